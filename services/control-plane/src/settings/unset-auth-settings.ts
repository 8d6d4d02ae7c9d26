/**
 * Names of the Management API's auth configuration that may have no setting of ours behind them. Supabase's CLI (3.1)
 * decodes the whole configuration strictly and stops at a missing key, so all of them are there; what has a setting
 * replaces them.
 */
export const unsetAuthSettings: Readonly<Record<string, boolean | number | string | null>> = {
  api_max_request_duration: null,
  db_max_pool_size: null,
  db_max_pool_size_unit: null,
  custom_oauth_max_providers: 0,
  hook_after_user_created_enabled: false,
  hook_after_user_created_uri: null,
  hook_after_user_created_secrets: null,
  nimbus_oauth_client_id: null,
  nimbus_oauth_client_secret: null,
  nimbus_oauth_email_optional: false,
  // Every use of a refresh token replaces it.
  refresh_token_rotation_enabled: true,
  security_update_password_require_current_password: false,
  sessions_tags: null,
}
