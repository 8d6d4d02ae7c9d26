-- What every Postgres leaves open to PUBLIC and no tenant needs: connecting to the maintenance databases, placing objects
-- in the shared tablespaces by name.
revoke all on database postgres from public;
revoke all on database template1 from public;
revoke all on tablespace pg_default from public;
revoke all on tablespace pg_global from public;
