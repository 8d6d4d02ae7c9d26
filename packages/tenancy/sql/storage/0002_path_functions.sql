-- What policies on storage.objects ask about a path. Bodies in the form of the SQL standard: names are resolved here, so
-- nothing in a caller's search_path can stand before pg_catalog's functions.

-- The folders above the file: {a,b} for a/b/c.txt.
create function storage.foldername(name text) returns text[] language sql immutable
return (string_to_array(name, '/'))[1 : array_length(string_to_array(name, '/'), 1) - 1];

-- The last segment: c.txt for a/b/c.txt.
create function storage.filename(name text) returns text language sql immutable
return (string_to_array(name, '/'))[array_length(string_to_array(name, '/'), 1)];

-- What follows the last dot of the last segment; the whole segment when it has none.
create function storage.extension(name text) returns text language sql immutable
return (string_to_array(
  (string_to_array(name, '/'))[array_length(string_to_array(name, '/'), 1)], '.'))[array_length(string_to_array(
  (string_to_array(name, '/'))[array_length(string_to_array(name, '/'), 1)], '.'), 1)];

-- Which operation the storage service is performing, for policies that tell them apart.
create function storage.operation() returns text language sql stable
return current_setting('storage.operation', true);

create function storage.get_size_by_bucket() returns table (size bigint, bucket_id text) language sql stable
begin atomic
  select sum((objects.metadata ->> 'size')::bigint)::bigint, objects.bucket_id
  from storage.objects
  group by objects.bucket_id;
end;

create function storage.update_updated_at_column() returns trigger language plpgsql set search_path = pg_catalog
as $$
begin
  new.updated_at = now();
  return new;
end
$$;
create trigger update_objects_updated_at before update on storage.objects
  for each row execute function storage.update_updated_at_column();
