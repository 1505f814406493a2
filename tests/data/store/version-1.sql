PRAGMA application_id = 1819108459;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE chunks (
        key INTEGER PRIMARY KEY,
        message INTEGER NOT NULL REFERENCES messages (key),
        position INTEGER NOT NULL,
        text NOT NULL
    );
INSERT INTO "chunks" VALUES(1,6,0,' 1');
CREATE TABLE conversations (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        title_is_manual INTEGER NOT NULL DEFAULT 0,
        created TEXT NOT NULL,
        updated TEXT NOT NULL,
        deleted TEXT,
        tip TEXT,
        messages INTEGER NOT NULL DEFAULT 0,
        model TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        settings TEXT NOT NULL
    );
INSERT INTO "conversations" VALUES(1,'165bc6ef59c24c6aa8fee34bdd5e67ca','狐狸',0,'2026-11-22T10:45:22.616731+00:00','2026-11-22T10:45:22.645136+00:00',NULL,'v1-cut',6,'internlm2_5-1_8b-chat','http://127.0.0.1:23333','{"tools": ["add", "mul"]}');
CREATE TABLE members (
        conversation INTEGER NOT NULL REFERENCES conversations (key),
        message INTEGER NOT NULL REFERENCES messages (key),
        PRIMARY KEY (conversation, message)
    ) WITHOUT ROWID;
INSERT INTO "members" VALUES(1,1);
INSERT INTO "members" VALUES(1,2);
INSERT INTO "members" VALUES(1,3);
INSERT INTO "members" VALUES(1,4);
INSERT INTO "members" VALUES(1,5);
INSERT INTO "members" VALUES(1,6);
CREATE TABLE messages (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        parent INTEGER REFERENCES messages (key),
        role TEXT NOT NULL,
        created TEXT NOT NULL,
        complete INTEGER NOT NULL,
        turn TEXT,
        hash TEXT,
        revision INTEGER NOT NULL
    );
INSERT INTO "messages" VALUES(1,'v1-question',NULL,'user','2026-03-01T12:30:45.123456+00:00',1,NULL,'2cb4c52d04080476689fb6599b6e4e254d6167da8ebb20c855a06454b0366ac2',0);
INSERT INTO "messages" VALUES(2,'v1-answer',1,'assistant','2026-03-01T12:30:45.123456+00:00',1,'v1-turn','dd61a272e8aa510aa218b885a693cc1b6362cc5ffc93f62d9615ddb525ad5dbe',0);
INSERT INTO "messages" VALUES(3,'v1-sum',2,'user','2026-03-01T12:30:45.123456+00:00',1,NULL,'737d56a2fc92264f755955f780d86765212141a50e57027c6ab61480cb7075dc',0);
INSERT INTO "messages" VALUES(4,'v1-call',3,'assistant','2026-03-01T12:30:45.123456+00:00',1,NULL,'09c2624ad2a762e16c7dbc2d6b5b47fc243fdbe6c30843b06e02d4a9dfd15a90',0);
INSERT INTO "messages" VALUES(5,'v1-result',4,'tool','2026-03-01T12:30:45.123456+00:00',1,NULL,'96e4e11ed4254c275434dc5e4b24e15a349c1deee35aab74d384bd3c2501d2c3',0);
INSERT INTO "messages" VALUES(6,'v1-cut',5,'assistant','2026-03-01T12:30:45.123456+00:00',0,NULL,NULL,1);
CREATE TABLE parts (
        message INTEGER NOT NULL REFERENCES messages (key),
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        payload TEXT NOT NULL,
        text NOT NULL
    );
INSERT INTO "parts" VALUES(1,0,'TextPart','{}','帮我讲述一个关于狐狸和西瓜的小故事');
INSERT INTO "parts" VALUES(2,0,'ReasoningPart','{"seconds":0.5}','a fox, a melon');
INSERT INTO "parts" VALUES(2,1,'TextPart','{}','从前有一只狐狸。');
INSERT INTO "parts" VALUES(3,0,'TextPart','{}','Compute (3+5)*2');
INSERT INTO "parts" VALUES(4,0,'ToolCallPart','{"call_id":"call-1","name":"add"}','{"a":3,"b":5}');
INSERT INTO "parts" VALUES(5,0,'ToolResultPart','{"call_id":"call-1","name":"add","seconds":0.003}','8');
INSERT INTO "parts" VALUES(6,0,'TextPart','{}','The result is');
CREATE TABLE raw (
        key INTEGER PRIMARY KEY,
        turn TEXT NOT NULL REFERENCES turns (id),
        data BLOB NOT NULL
    );
INSERT INTO "raw" VALUES(1,'v1-turn',X'789C8B8E36D033D4514A492C49B452A8AE558AD5010A18C104A25DFCFD5C6395626301DA900B12');
CREATE TABLE turns (
        id TEXT PRIMARY KEY,
        conversation TEXT NOT NULL,
        started TEXT NOT NULL,
        record TEXT NOT NULL,
        lines INTEGER NOT NULL DEFAULT 0
    );
INSERT INTO "turns" VALUES('v1-turn','165bc6ef59c24c6aa8fee34bdd5e67ca','2026-03-01T00:00:00+00:00','{"type":"TurnRecord","id":"v1-turn","conversation_id":"165bc6ef59c24c6aa8fee34bdd5e67ca","model":"internlm2_5-1_8b-chat","endpoint":"http://127.0.0.1:23333","started":"2026-03-01T00:00:00+00:00","sampling":{"type":"Sampling","temperature":0.8,"top_p":null,"top_k":null,"min_p":null,"repetition_penalty":null,"max_tokens":null,"stop":[],"seed":null,"chat_template_kwargs":{},"response_format":null,"extra":{}},"system":"","finish_reason":"stop","problem":null,"timings":{"type":"Timings","total":1.5,"first_token":0.1,"generation":1.4,"tools":0.0,"rounds":1,"completion_tokens":9},"usage":[{"type":"Usage","prompt_tokens":12,"completion_tokens":9,"reasoning_tokens":0,"cached_tokens":0,"estimated":false}],"raw":[],"server":null,"breakdown":[]}',2);
CREATE INDEX conversations_by_time ON conversations (deleted, updated);
CREATE INDEX messages_by_parent ON messages (parent);
CREATE INDEX members_by_message ON members (message);
CREATE UNIQUE INDEX parts_of_message ON parts (message, position);
CREATE INDEX chunks_of_message ON chunks (message, position);
CREATE INDEX turns_of_conversation ON turns (conversation, started);
CREATE INDEX raw_of_turn ON raw (turn);
COMMIT;
