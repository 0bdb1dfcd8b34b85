--
-- PostgreSQL database cluster dump
--

\restrict OcAlBgm95kAMajdeorbEmZFAo2LY5rMkY62YJ7Ld6xB62HrqBad06IhwogId3Zr

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






\unrestrict OcAlBgm95kAMajdeorbEmZFAo2LY5rMkY62YJ7Ld6xB62HrqBad06IhwogId3Zr

--
-- PostgreSQL database cluster dump complete
--

