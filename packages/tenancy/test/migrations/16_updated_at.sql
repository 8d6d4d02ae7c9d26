create or replace function public.set_updated_at() returns trigger language plpgsql as $BODY$
begin
  new.updated_at = timezone('utc'::text, now());
  return new;
end;
$BODY$;
do $$
declare
  t text;
begin
  foreach t in array array['profiles'] loop
    execute format('create trigger set_updated_at before update on public.%I for each row execute function public.set_updated_at()', t);
  end loop;
end
$$;
