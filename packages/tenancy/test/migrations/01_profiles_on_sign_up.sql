-- A profile for each user who signs up, as most starters have it.
create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  username text unique check (char_length(username) >= 3),
  avatar_url text,
  updated_at timestamp with time zone default now()
);
alter table public.profiles enable row level security;
create policy "Profiles can be seen by everyone." on public.profiles for select using (true);
create policy "Users insert their own profile." on public.profiles for insert with check ((select auth.uid()) = id);
create policy "Users change their own profile." on public.profiles for update using ((select auth.uid()) = id);

create function public.handle_new_user() returns trigger
set search_path = ''
as $$
begin
  insert into public.profiles (id, username) values (new.id, new.raw_user_meta_data ->> 'username');
  return new;
end;
$$ language plpgsql security definer;

create trigger on_auth_user_created after insert on auth.users
  for each row execute procedure public.handle_new_user();
