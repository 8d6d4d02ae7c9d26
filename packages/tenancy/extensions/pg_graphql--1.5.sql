do $$
begin
  raise warning 'pg_graphql: there is no GraphQL on this server; /graphql/v1 says so';
end
$$;
