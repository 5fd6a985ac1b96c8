SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.attempts (
    seq bigint NOT NULL,
    job bigint NOT NULL,
    student text NOT NULL,
    assignment text NOT NULL,
    notebook text NOT NULL,
    number bigint NOT NULL,
    outcome text NOT NULL,
    detail text NOT NULL,
    evidence text NOT NULL,
    plan text NOT NULL,
    image text NOT NULL,
    sandbox text NOT NULL,
    isolation text NOT NULL,
    seed bigint NOT NULL,
    wall_time_s double precision NOT NULL,
    cells_s double precision NOT NULL
);
CREATE TABLE public.jobs (
    id bigint NOT NULL,
    student text NOT NULL,
    assignment text NOT NULL,
    notebook text NOT NULL,
    plan text NOT NULL,
    image text NOT NULL,
    state text NOT NULL,
    run text,
    tries bigint NOT NULL,
    error text NOT NULL,
    queued_at text NOT NULL
);
CREATE SEQUENCE public.jobs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.jobs_id_seq OWNED BY public.jobs.id;
CREATE TABLE public.ledger (
    seq bigint NOT NULL,
    kind text NOT NULL,
    at text NOT NULL,
    actor text NOT NULL,
    why text NOT NULL,
    previous text NOT NULL,
    digest text NOT NULL
);
CREATE TABLE public.marks (
    seq bigint NOT NULL,
    student text NOT NULL,
    assignment text NOT NULL,
    criterion text NOT NULL,
    points double precision,
    comment text NOT NULL,
    verdict bigint
);
CREATE TABLE public.rubrics (
    seq bigint NOT NULL,
    digest text NOT NULL,
    handout text NOT NULL,
    assignment text NOT NULL,
    name text NOT NULL,
    text text NOT NULL,
    handout_text text NOT NULL
);
CREATE TABLE public.runs (
    id text NOT NULL,
    host text NOT NULL,
    pid bigint NOT NULL,
    started_at text NOT NULL,
    heartbeat_at text NOT NULL,
    ended_at text
);
CREATE TABLE public.submissions (
    seq bigint NOT NULL,
    student text NOT NULL,
    assignment text NOT NULL,
    notebook text NOT NULL,
    path text NOT NULL,
    submitted_at text,
    late integer NOT NULL,
    problem text NOT NULL
);
CREATE TABLE public.verdicts (
    seq bigint NOT NULL,
    attempt bigint NOT NULL,
    rubric bigint NOT NULL,
    reference text NOT NULL,
    version text NOT NULL,
    points double precision NOT NULL,
    out_of double precision NOT NULL,
    pending double precision NOT NULL,
    body text NOT NULL
);
ALTER TABLE ONLY public.jobs ALTER COLUMN id SET DEFAULT nextval('public.jobs_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.attempts VALUES (2, 1, 'süd800 1', 'lab2', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, 'COMPLETED', 'it''s "fine"', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'grader:1', 'docker', 'fork', 7, 0.30000000000000004, 1.5);
INSERT INTO public.jobs VALUES (1, 'süd800 1', 'lab2', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'grader:1', 'done', NULL, 0, '', '2026-03-01T10:00:00.123456+00:00');
INSERT INTO public.jobs VALUES (2, 's2', 'lab2', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'grader:1', 'claimed', 'r1', 1, 'the sandbox''s end', '2026-03-01T10:00:00.123456+00:00');
INSERT INTO public.ledger VALUES (1, 'submissions', '2026-03-01T10:00:00.123456+00:00', 'taé', 'grader run', '', 'c6406dfbfcc5099d594118c89ebe7b5c0762c6f670b98916b0ea5e42c7083f8f');
INSERT INTO public.ledger VALUES (2, 'attempts', '2026-03-01T10:01:00.123456+00:00', 'taé', 'grader run', 'c6406dfbfcc5099d594118c89ebe7b5c0762c6f670b98916b0ea5e42c7083f8f', 'd734045bd28b153ae1276a289eed0d445fe60ce634ef3f9722578ed77e1c4f77');
INSERT INTO public.ledger VALUES (3, 'rubrics', '2026-03-01T10:02:00.123456+00:00', 'taé', 'grader run', 'd734045bd28b153ae1276a289eed0d445fe60ce634ef3f9722578ed77e1c4f77', '4a7314b6b6b636442477006aff35fcf8c638b445d073f666cf5bfa87d70f14af');
INSERT INTO public.ledger VALUES (4, 'verdicts', '2026-03-01T10:03:00.123456+00:00', 'taé', 'grader run', '4a7314b6b6b636442477006aff35fcf8c638b445d073f666cf5bfa87d70f14af', 'e79d3cb12804b53c517182faad64a218383c616ed54504bb836796cef7d5ca6f');
INSERT INTO public.ledger VALUES (5, 'marks', '2026-03-01T10:04:00.123456+00:00', 'taé', 'sound reason', 'e79d3cb12804b53c517182faad64a218383c616ed54504bb836796cef7d5ca6f', '0f8c228860c4330786ba20cbbe06e2b116935ccd8097bfe0a66f220ae426dc4e');
INSERT INTO public.ledger VALUES (6, 'marks', '2026-03-01T10:05:00.123456+00:00', 'taé', 'typing error', '0f8c228860c4330786ba20cbbe06e2b116935ccd8097bfe0a66f220ae426dc4e', '71d5e2d3f4429a2007b7e9b87842ffd1228880ab33692b1df032e7cbf8c1f583');
INSERT INTO public.ledger VALUES (7, 'marks', '2026-03-01T10:06:00.123456+00:00', 'taé', 'sound reason', '71d5e2d3f4429a2007b7e9b87842ffd1228880ab33692b1df032e7cbf8c1f583', '2afc0b7782de8c3b2935d883540ced9882efaf8e6e3cf1f005168ec72b156b5e');
INSERT INTO public.marks VALUES (5, 'süd800 1', 'lab2', 'why', 2.5, 'sound0000', 4);
INSERT INTO public.marks VALUES (6, 'süd800 1', 'lab2', 'why', NULL, '', NULL);
INSERT INTO public.marks VALUES (7, 'süd800 1', 'lab2', 'why', 0.3333333333333333, 'half', 4);
INSERT INTO public.rubrics VALUES (3, 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 'lab2', 'lab2.yaml', 'assignment: lab2
title: Lab 2
', '');
INSERT INTO public.runs VALUES ('r1', 'h', 4711, '2026-03-01T10:00:00.123456+00:00', '2026-03-01T10:01:00.123456+00:00', NULL);
INSERT INTO public.submissions VALUES (1, 'süd800 1', 'lab2', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 's1/lab2.ipynb', '2026-03-01T09:00:00.123456+00:00', 1, '');
INSERT INTO public.verdicts VALUES (4, 2, 3, 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', '0.1.0', 2, 5, 3, '{"assignment":"lab2","findings":[{"criterion":"builtin-shadowing","title":"Builtins","status":"PASS","points":2.0,"out_of":2.0,"pending":0.0,"message":"no builtin is shadowed","where":[],"data":{},"advice":""},{"criterion":"why","title":"Says why","status":"NEEDS_TA","points":0.0,"out_of":3.0,"pending":3.0,"message":"a TA reads the answer","where":[],"data":{},"advice":""}],"points":2.0,"out_of":5.0,"pending":3.0,"evidence":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","rubric":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","reference":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}');
SELECT pg_catalog.setval('public.jobs_id_seq', 1, false);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT pk_attempts PRIMARY KEY (seq);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (id);
ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT pk_ledger PRIMARY KEY (seq);
ALTER TABLE ONLY public.marks
    ADD CONSTRAINT pk_marks PRIMARY KEY (seq);
ALTER TABLE ONLY public.rubrics
    ADD CONSTRAINT pk_rubrics PRIMARY KEY (seq);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (id);
ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT pk_submissions PRIMARY KEY (seq);
ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT pk_verdicts PRIMARY KEY (seq);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT uq_attempts_job UNIQUE (job);
ALTER TABLE ONLY public.rubrics
    ADD CONSTRAINT uq_rubrics_digest_handout UNIQUE (digest, handout);
CREATE INDEX ix_attempts_assignment_student_notebook_seq ON public.attempts USING btree (assignment, student, notebook, seq);
CREATE INDEX ix_marks_assignment_student_seq ON public.marks USING btree (assignment, student, seq);
CREATE INDEX ix_submissions_assignment_student_seq ON public.submissions USING btree (assignment, student, seq);
CREATE INDEX ix_verdicts_attempt_seq ON public.verdicts USING btree (attempt, seq);
CREATE UNIQUE INDEX uq_jobs_open ON public.jobs USING btree (student, assignment, notebook, plan, image) WHERE (state <> 'done'::text);
CREATE TRIGGER attempts_no_change BEFORE DELETE OR UPDATE ON public.attempts FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER attempts_no_truncate BEFORE TRUNCATE ON public.attempts FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER ledger_no_change BEFORE DELETE OR UPDATE ON public.ledger FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON public.ledger FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER marks_no_change BEFORE DELETE OR UPDATE ON public.marks FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER marks_no_truncate BEFORE TRUNCATE ON public.marks FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER rubrics_no_change BEFORE DELETE OR UPDATE ON public.rubrics FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER rubrics_no_truncate BEFORE TRUNCATE ON public.rubrics FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER submissions_no_change BEFORE DELETE OR UPDATE ON public.submissions FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER submissions_no_truncate BEFORE TRUNCATE ON public.submissions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER verdicts_no_change BEFORE DELETE OR UPDATE ON public.verdicts FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER verdicts_no_truncate BEFORE TRUNCATE ON public.verdicts FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT fk_attempts_seq FOREIGN KEY (seq) REFERENCES public.ledger(seq);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT fk_jobs_run FOREIGN KEY (run) REFERENCES public.runs(id);
ALTER TABLE ONLY public.marks
    ADD CONSTRAINT fk_marks_seq FOREIGN KEY (seq) REFERENCES public.ledger(seq);
ALTER TABLE ONLY public.marks
    ADD CONSTRAINT fk_marks_verdict FOREIGN KEY (verdict) REFERENCES public.verdicts(seq);
ALTER TABLE ONLY public.rubrics
    ADD CONSTRAINT fk_rubrics_seq FOREIGN KEY (seq) REFERENCES public.ledger(seq);
ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT fk_submissions_seq FOREIGN KEY (seq) REFERENCES public.ledger(seq);
ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT fk_verdicts_attempt FOREIGN KEY (attempt) REFERENCES public.attempts(seq);
ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT fk_verdicts_rubric FOREIGN KEY (rubric) REFERENCES public.rubrics(seq);
ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT fk_verdicts_seq FOREIGN KEY (seq) REFERENCES public.ledger(seq);
