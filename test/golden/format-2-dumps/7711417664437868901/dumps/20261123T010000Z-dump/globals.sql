--
-- PostgreSQL database cluster dump
--

\restrict ekK33oEThlq6dc7fajrpHuebhdHSfB2JeMEXcY2KPFL9xc8HeXCjD6xfnLXacdK

SET default_transaction_read_only = off;

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

--
-- Roles
--

CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS;
CREATE ROLE reader;
ALTER ROLE reader WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;

--
-- User Configurations
--






\unrestrict ekK33oEThlq6dc7fajrpHuebhdHSfB2JeMEXcY2KPFL9xc8HeXCjD6xfnLXacdK

--
-- PostgreSQL database cluster dump complete
--

