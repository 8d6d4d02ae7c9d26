-- Signing and checking of JSON Web Tokens by a shared secret (RFC 7515, 7519). pgcrypto is in extensions in each project.

create function url_encode(data bytea) returns text
language sql immutable set search_path = pg_catalog, pg_temp
as $$ select rtrim(translate(encode(data, 'base64'), '+/' || chr(10), '-_'), '=') $$;

create function url_decode(data text) returns bytea
language sql immutable set search_path = pg_catalog, pg_temp
as $$ select decode(translate(data, '-_', '+/') || repeat('=', (4 - length(data) % 4) % 4), 'base64') $$;

create function algorithm_sign(signables text, secret text, algorithm text) returns text
language plpgsql immutable set search_path = @extschema@, pg_catalog, pg_temp
as $$
declare
  hash text := case algorithm when 'HS256' then 'sha256' when 'HS384' then 'sha384' when 'HS512' then 'sha512' end;
begin
  if hash is null then
    raise invalid_parameter_value using message = pg_catalog.format('unknown algorithm "%s"', algorithm);
  end if;
  return url_encode(extensions.hmac(signables, secret, hash));
end
$$;

create function sign(payload json, secret text, algorithm text default 'HS256') returns text
language sql immutable set search_path = @extschema@, pg_catalog, pg_temp
as $$
  select signables || '.' || algorithm_sign(signables, secret, algorithm)
  from (
    select url_encode(convert_to(json_build_object('alg', algorithm, 'typ', 'JWT')::text, 'UTF8')) || '.'
      || url_encode(convert_to(payload::text, 'UTF8')) as signables
  ) unsigned
$$;

create function try_cast_double(inp text) returns double precision
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
  return inp::double precision;
exception when others then
  return null;
end
$$;

-- Valid: the signature fits, and now is between nbf and exp.
create function verify(token text, secret text, algorithm text default 'HS256')
returns table (header json, payload json, valid boolean)
language sql stable set search_path = @extschema@, pg_catalog, pg_temp
as $$
  select
    jwt.header,
    jwt.payload,
    jwt.signature_fits and tstzrange(
      to_timestamp(try_cast_double(jwt.payload ->> 'nbf')),
      to_timestamp(try_cast_double(jwt.payload ->> 'exp'))
    ) @> current_timestamp
  from (
    select
      convert_from(url_decode(parts[1]), 'UTF8')::json as header,
      convert_from(url_decode(parts[2]), 'UTF8')::json as payload,
      parts[3] = algorithm_sign(parts[1] || '.' || parts[2], secret, algorithm) as signature_fits
    from regexp_split_to_array(token, '[.]') parts
  ) jwt
$$;
