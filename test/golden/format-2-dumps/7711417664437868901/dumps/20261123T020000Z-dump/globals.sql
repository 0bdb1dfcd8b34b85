--
-- PostgreSQL database cluster dump
--

\restrict pwn1v8QtRWY3FVGJ0XKLa4eUe6vz54qrJIA2cHPfyHUzjsd8Xhi4njPxar74Ypp

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






\unrestrict pwn1v8QtRWY3FVGJ0XKLa4eUe6vz54qrJIA2cHPfyHUzjsd8Xhi4njPxar74Ypp

--
-- PostgreSQL database cluster dump complete
--

