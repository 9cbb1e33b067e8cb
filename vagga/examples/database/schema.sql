CREATE TABLE note (
  number INTEGER PRIMARY KEY,
  text TEXT NOT NULL
);
INSERT INTO note (text) VALUES ('This note came with the schema');
