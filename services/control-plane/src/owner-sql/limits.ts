/** Largest body that carries SQL: seeds and dumps are large, and only holders of an access token can send one. */
export const SQL_BODY_LIMIT_BYTES = 64 * 1_048_576

/** A migration may build indexes; the client's leaving cancels it earlier. */
export const MIGRATION_DEADLINE_MS = 30 * 60_000
