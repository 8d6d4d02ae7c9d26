import {
  ApiKey,
  LegacyApiKeys,
  Migration,
  PostgrestConfig,
  QueryRows,
  Seed,
  SigningKeyList,
  SigningKeyView,
} from '@favo/contracts'
import { z } from 'zod'
import type { Descriptions } from './descriptions.ts'

/** By their names in capitals, as Supabase has them. */
const AuthSettings = z.record(z.string(), z.unknown())

/** What is in a project and how it is set up. */
export const settingDescriptions: Descriptions = {
  'api_keys.list': {
    summary: 'Keys of a project; whole when `reveal` is asked for.',
    response: z.array(ApiKey),
  },
  'api_keys.get_legacy': {
    summary: 'Whether the keys of the older kind are good: always.',
    response: LegacyApiKeys,
  },
  'settings.get_postgrest': { summary: 'Settings of the REST API.', response: PostgrestConfig },
  'settings.update_postgrest': {
    summary: 'Changes settings of the REST API, at once.',
    response: PostgrestConfig,
  },
  'settings.get_auth': { summary: 'Settings of Auth; secrets are masked.', response: AuthSettings },
  'settings.update_auth': { summary: 'Changes settings of Auth, at once.', response: AuthSettings },
  'signing_keys.list': {
    summary: 'Keys that sign a project’s tokens, without their secrets.',
    response: SigningKeyList,
  },
  'signing_keys.create': {
    summary: 'Makes or imports a signing key, which stands by.',
    response: SigningKeyView,
  },
  'signing_keys.get_legacy': { summary: 'The shared secret as a signing key.', response: SigningKeyView },
  'signing_keys.create_legacy': {
    summary: 'Makes the shared secret a signing key.',
    response: SigningKeyView,
  },
  'signing_keys.get': { summary: 'One signing key.', response: SigningKeyView },
  'signing_keys.update': {
    summary: 'Puts a key to use, out of use, or revokes it.',
    response: SigningKeyView,
  },
  'signing_keys.delete': { summary: 'Removes a key that is revoked.', response: SigningKeyView },
  'database.query': {
    summary: 'Runs SQL as the owner of the database, or as one who only reads.',
    response: QueryRows,
  },
  'migrations.list': { summary: 'Migrations that were applied, in order.', response: z.array(Migration) },
  'migrations.apply': {
    summary: 'Applies a migration and records it, in one transaction.',
    response: z.unknown(),
  },
  'migrations.upsert': { summary: 'Records a migration without running it.', response: z.unknown() },
  'migrations.roll_back': {
    summary: 'Forgets migrations from a version on; what they did stays.',
    response: z.unknown(),
  },
  'seeds.list': { summary: 'Seed files that were run.', response: z.array(Seed) },
  'seeds.apply': { summary: 'Runs a seed file and records it, in one transaction.', response: Seed },
  'secrets.create': { summary: 'Sets secrets of a project’s functions.', response: z.unknown() },
  'secrets.delete': { summary: 'Removes secrets of a project’s functions.', response: z.unknown() },
  'functions.create': { summary: 'Not available: functions are not served.', response: z.never() },
  'functions.deploy': { summary: 'Not available: functions are not served.', response: z.never() },
  'functions.bulk_update': { summary: 'Not available: functions are not served.', response: z.never() },
  'functions.get': { summary: 'Says that there is no such function.', response: z.never() },
  'functions.get_body': { summary: 'Says that there is no such function.', response: z.never() },
  'functions.update': { summary: 'Says that there is no such function.', response: z.never() },
  'functions.delete': { summary: 'Says that there is no such function.', response: z.never() },
  'backups.restore_pitr': {
    summary: 'Not available: there is no recovery to a point in time.',
    response: z.never(),
  },
  'projects.upgrade': {
    summary: 'Not available: all projects have the cluster’s version of Postgres.',
    response: z.never(),
  },
  'snippets.get': { summary: 'Says that there is no such snippet.', response: z.never() },
  'pgsodium.get': { summary: 'Not available: there is no pgsodium.', response: z.never() },
  'pgsodium.update': { summary: 'Not available: there is no pgsodium.', response: z.never() },
}
