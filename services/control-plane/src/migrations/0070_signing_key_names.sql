-- A key that a project brings along keeps its name (`kid`), so that tokens which it signed stay good. The name is the project's
-- alone: two projects may have brought the same one.
alter table control.signing_keys
  add column kid text,
  drop constraint signing_keys_pkey,
  add constraint signing_keys_pkey primary key (ref, id);
update control.signing_keys set kid = id::text;
alter table control.signing_keys
  alter column kid set not null,
  add constraint signing_keys_kid_key unique (ref, kid),
  add constraint signing_keys_kid_short check (octet_length(kid) between 1 and 255);
drop index control.signing_keys_ref_idx;
