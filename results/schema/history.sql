-- SPDX-License-Identifier: Apache-2.0
-- The history of `iomodes history` (application_id 1768910180, user_version 1), as FORMAT.md explains it. tests/results/history.sh
-- holds a new file to this one.
create table run(id integer primary key, run text not null unique, started text not null, started_s real not null, experiment text not null, version text not null, kernel text, programs text, tools text, identity text not null, key text not null, dir text not null, cells integer not null, missing text not null, test_delay_ns integer, added text not null);
create index run_by on run(experiment, identity, started_s);
create table trial(id integer primary key, trial text not null unique, run integer not null references run(id), block integer not null);
create index trial_by on trial(run);
create table series(id integer primary key, identity text not null, experiment text not null, cell text not null, metric text not null, judged integer not null, unique(identity, experiment, cell, metric));
create table value(series integer not null references series(id), trial integer not null references trial(id), value real not null, primary key(series, trial)) without rowid;
create table point(series integer not null references series(id), run integer not null references run(id), n integer not null, value real not null, low real, high real, primary key(series, run)) without rowid;
create table mark(id text primary key, at text not null, who text not null, kind text not null, match text not null, run text not null, why text not null);
