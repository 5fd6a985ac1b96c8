BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE attempts (
	seq INTEGER NOT NULL, 
	job INTEGER NOT NULL, 
	student TEXT NOT NULL, 
	assignment TEXT NOT NULL, 
	notebook TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	outcome TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	evidence TEXT NOT NULL, 
	"plan" TEXT NOT NULL, 
	image TEXT NOT NULL, 
	sandbox TEXT NOT NULL, 
	isolation TEXT NOT NULL, 
	seed INTEGER NOT NULL, 
	wall_time_s REAL NOT NULL, 
	cells_s REAL NOT NULL, 
	CONSTRAINT pk_attempts PRIMARY KEY (seq), 
	CONSTRAINT fk_attempts_seq FOREIGN KEY(seq) REFERENCES ledger (seq), 
	CONSTRAINT uq_attempts_job UNIQUE (job)
)
 STRICT

;
INSERT INTO "attempts" VALUES(2,1,'süd800 1','lab2','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'COMPLETED','it''s "fine"','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','grader:1','docker','fork',7,3.00000000000000044408e-01,1.5);
CREATE TABLE jobs (
	id INTEGER NOT NULL, 
	student TEXT NOT NULL, 
	assignment TEXT NOT NULL, 
	notebook TEXT NOT NULL, 
	"plan" TEXT NOT NULL, 
	image TEXT NOT NULL, 
	state TEXT NOT NULL, 
	run TEXT, 
	tries INTEGER NOT NULL, 
	error TEXT NOT NULL, 
	queued_at TEXT NOT NULL, 
	CONSTRAINT pk_jobs PRIMARY KEY (id), 
	CONSTRAINT fk_jobs_run FOREIGN KEY(run) REFERENCES runs (id)
)
 STRICT

;
INSERT INTO "jobs" VALUES(1,'süd800 1','lab2','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','grader:1','done',NULL,0,'','2026-03-01T10:00:00.123456+00:00');
INSERT INTO "jobs" VALUES(2,'s2','lab2','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','grader:1','claimed','r1',1,'the sandbox''s end','2026-03-01T10:00:00.123456+00:00');
CREATE TABLE ledger (
	seq INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	at TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	why TEXT NOT NULL, 
	previous TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_ledger PRIMARY KEY (seq)
)
 STRICT

;
INSERT INTO "ledger" VALUES(1,'submissions','2026-03-01T10:00:00.123456+00:00','taé','grader run','','c6406dfbfcc5099d594118c89ebe7b5c0762c6f670b98916b0ea5e42c7083f8f');
INSERT INTO "ledger" VALUES(2,'attempts','2026-03-01T10:01:00.123456+00:00','taé','grader run','c6406dfbfcc5099d594118c89ebe7b5c0762c6f670b98916b0ea5e42c7083f8f','d734045bd28b153ae1276a289eed0d445fe60ce634ef3f9722578ed77e1c4f77');
INSERT INTO "ledger" VALUES(3,'rubrics','2026-03-01T10:02:00.123456+00:00','taé','grader run','d734045bd28b153ae1276a289eed0d445fe60ce634ef3f9722578ed77e1c4f77','4a7314b6b6b636442477006aff35fcf8c638b445d073f666cf5bfa87d70f14af');
INSERT INTO "ledger" VALUES(4,'verdicts','2026-03-01T10:03:00.123456+00:00','taé','grader run','4a7314b6b6b636442477006aff35fcf8c638b445d073f666cf5bfa87d70f14af','e79d3cb12804b53c517182faad64a218383c616ed54504bb836796cef7d5ca6f');
INSERT INTO "ledger" VALUES(5,'marks','2026-03-01T10:04:00.123456+00:00','taé','sound reason','e79d3cb12804b53c517182faad64a218383c616ed54504bb836796cef7d5ca6f','0f8c228860c4330786ba20cbbe06e2b116935ccd8097bfe0a66f220ae426dc4e');
INSERT INTO "ledger" VALUES(6,'marks','2026-03-01T10:05:00.123456+00:00','taé','typing error','0f8c228860c4330786ba20cbbe06e2b116935ccd8097bfe0a66f220ae426dc4e','71d5e2d3f4429a2007b7e9b87842ffd1228880ab33692b1df032e7cbf8c1f583');
INSERT INTO "ledger" VALUES(7,'marks','2026-03-01T10:06:00.123456+00:00','taé','sound reason','71d5e2d3f4429a2007b7e9b87842ffd1228880ab33692b1df032e7cbf8c1f583','2afc0b7782de8c3b2935d883540ced9882efaf8e6e3cf1f005168ec72b156b5e');
CREATE TABLE marks (
	seq INTEGER NOT NULL, 
	student TEXT NOT NULL, 
	assignment TEXT NOT NULL, 
	criterion TEXT NOT NULL, 
	points REAL, 
	comment TEXT NOT NULL, 
	verdict INTEGER, 
	CONSTRAINT pk_marks PRIMARY KEY (seq), 
	CONSTRAINT fk_marks_seq FOREIGN KEY(seq) REFERENCES ledger (seq), 
	CONSTRAINT fk_marks_verdict FOREIGN KEY(verdict) REFERENCES verdicts (seq)
)
 STRICT

;
INSERT INTO "marks" VALUES(5,'süd800 1','lab2','why',2.5,'sound0000',4);
INSERT INTO "marks" VALUES(6,'süd800 1','lab2','why',NULL,'',NULL);
INSERT INTO "marks" VALUES(7,'süd800 1','lab2','why',3.33333333333333314829e-01,'half',4);
CREATE TABLE rubrics (
	seq INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	handout TEXT NOT NULL, 
	assignment TEXT NOT NULL, 
	name TEXT NOT NULL, 
	text TEXT NOT NULL, 
	handout_text TEXT NOT NULL, 
	CONSTRAINT pk_rubrics PRIMARY KEY (seq), 
	CONSTRAINT fk_rubrics_seq FOREIGN KEY(seq) REFERENCES ledger (seq), 
	CONSTRAINT uq_rubrics_digest_handout UNIQUE (digest, handout)
)
 STRICT

;
INSERT INTO "rubrics" VALUES(3,'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee','lab2','lab2.yaml','assignment: lab2
title: Lab 2
','');
CREATE TABLE runs (
	id TEXT NOT NULL, 
	host TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	started_at TEXT NOT NULL, 
	heartbeat_at TEXT NOT NULL, 
	ended_at TEXT, 
	CONSTRAINT pk_runs PRIMARY KEY (id)
)
 STRICT

;
INSERT INTO "runs" VALUES('r1','h',4711,'2026-03-01T10:00:00.123456+00:00','2026-03-01T10:01:00.123456+00:00',NULL);
CREATE TABLE submissions (
	seq INTEGER NOT NULL, 
	student TEXT NOT NULL, 
	assignment TEXT NOT NULL, 
	notebook TEXT NOT NULL, 
	path TEXT NOT NULL, 
	submitted_at TEXT, 
	late INTEGER NOT NULL, 
	problem TEXT NOT NULL, 
	CONSTRAINT pk_submissions PRIMARY KEY (seq), 
	CONSTRAINT fk_submissions_seq FOREIGN KEY(seq) REFERENCES ledger (seq)
)
 STRICT

;
INSERT INTO "submissions" VALUES(1,'süd800 1','lab2','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','s1/lab2.ipynb','2026-03-01T09:00:00.123456+00:00',1,'');
CREATE TABLE verdicts (
	seq INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	rubric INTEGER NOT NULL, 
	reference TEXT NOT NULL, 
	version TEXT NOT NULL, 
	points REAL NOT NULL, 
	out_of REAL NOT NULL, 
	pending REAL NOT NULL, 
	body TEXT NOT NULL, 
	CONSTRAINT pk_verdicts PRIMARY KEY (seq), 
	CONSTRAINT fk_verdicts_seq FOREIGN KEY(seq) REFERENCES ledger (seq), 
	CONSTRAINT fk_verdicts_attempt FOREIGN KEY(attempt) REFERENCES attempts (seq), 
	CONSTRAINT fk_verdicts_rubric FOREIGN KEY(rubric) REFERENCES rubrics (seq)
)
 STRICT

;
INSERT INTO "verdicts" VALUES(4,2,3,'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','0.1.0',2.0,5.0,3.0,'{"assignment":"lab2","findings":[{"criterion":"builtin-shadowing","title":"Builtins","status":"PASS","points":2.0,"out_of":2.0,"pending":0.0,"message":"no builtin is shadowed","where":[],"data":{},"advice":""},{"criterion":"why","title":"Says why","status":"NEEDS_TA","points":0.0,"out_of":3.0,"pending":3.0,"message":"a TA reads the answer","where":[],"data":{},"advice":""}],"points":2.0,"out_of":5.0,"pending":3.0,"evidence":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","rubric":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","reference":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}');
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE TRIGGER ledger_no_replace_0 BEFORE INSERT ON ledger WHEN EXISTS (SELECT 1 FROM ledger WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE INDEX ix_submissions_assignment_student_seq ON submissions (assignment, student, seq);
CREATE TRIGGER submissions_no_update BEFORE UPDATE ON submissions BEGIN SELECT RAISE(ABORT, 'submissions is append-only'); END;
CREATE TRIGGER submissions_no_delete BEFORE DELETE ON submissions BEGIN SELECT RAISE(ABORT, 'submissions is append-only'); END;
CREATE TRIGGER submissions_no_replace_0 BEFORE INSERT ON submissions WHEN EXISTS (SELECT 1 FROM submissions WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'submissions is append-only'); END;
CREATE INDEX ix_attempts_assignment_student_notebook_seq ON attempts (assignment, student, notebook, seq);
CREATE TRIGGER attempts_no_update BEFORE UPDATE ON attempts BEGIN SELECT RAISE(ABORT, 'attempts is append-only'); END;
CREATE TRIGGER attempts_no_delete BEFORE DELETE ON attempts BEGIN SELECT RAISE(ABORT, 'attempts is append-only'); END;
CREATE TRIGGER attempts_no_replace_0 BEFORE INSERT ON attempts WHEN EXISTS (SELECT 1 FROM attempts WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'attempts is append-only'); END;
CREATE TRIGGER attempts_no_replace_1 BEFORE INSERT ON attempts WHEN EXISTS (SELECT 1 FROM attempts WHERE job = NEW.job) BEGIN SELECT RAISE(ABORT, 'attempts is append-only'); END;
CREATE TRIGGER rubrics_no_update BEFORE UPDATE ON rubrics BEGIN SELECT RAISE(ABORT, 'rubrics is append-only'); END;
CREATE TRIGGER rubrics_no_delete BEFORE DELETE ON rubrics BEGIN SELECT RAISE(ABORT, 'rubrics is append-only'); END;
CREATE TRIGGER rubrics_no_replace_0 BEFORE INSERT ON rubrics WHEN EXISTS (SELECT 1 FROM rubrics WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'rubrics is append-only'); END;
CREATE TRIGGER rubrics_no_replace_1 BEFORE INSERT ON rubrics WHEN EXISTS (SELECT 1 FROM rubrics WHERE digest = NEW.digest AND handout = NEW.handout) BEGIN SELECT RAISE(ABORT, 'rubrics is append-only'); END;
CREATE INDEX ix_verdicts_attempt_seq ON verdicts (attempt, seq);
CREATE TRIGGER verdicts_no_update BEFORE UPDATE ON verdicts BEGIN SELECT RAISE(ABORT, 'verdicts is append-only'); END;
CREATE TRIGGER verdicts_no_delete BEFORE DELETE ON verdicts BEGIN SELECT RAISE(ABORT, 'verdicts is append-only'); END;
CREATE TRIGGER verdicts_no_replace_0 BEFORE INSERT ON verdicts WHEN EXISTS (SELECT 1 FROM verdicts WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'verdicts is append-only'); END;
CREATE INDEX ix_marks_assignment_student_seq ON marks (assignment, student, seq);
CREATE TRIGGER marks_no_update BEFORE UPDATE ON marks BEGIN SELECT RAISE(ABORT, 'marks is append-only'); END;
CREATE TRIGGER marks_no_delete BEFORE DELETE ON marks BEGIN SELECT RAISE(ABORT, 'marks is append-only'); END;
CREATE TRIGGER marks_no_replace_0 BEFORE INSERT ON marks WHEN EXISTS (SELECT 1 FROM marks WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'marks is append-only'); END;
CREATE UNIQUE INDEX uq_jobs_open ON jobs (student, assignment, notebook, "plan", image) WHERE state <> 'done';
COMMIT;
