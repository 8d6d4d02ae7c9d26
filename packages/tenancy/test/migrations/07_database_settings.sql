ALTER DATABASE postgres SET "app.settings.service_url" TO 'https://api.example.com/hook?a=1&b=''2''';
alter database "postgres" set timezone to 'America/Sao_Paulo';
alter database postgres set search_path to public, extensions;
alter database postgres set statement_timeout to '60s';
alter database postgres reset statement_timeout;
alter database postgres set work_mem = '16MB';
alter database postgres reset work_mem;
comment on database postgres is 'production';
grant all on database postgres to postgres;
