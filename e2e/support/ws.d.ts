/** What supabase-js wants to know of it; the package brings no types. */
declare module 'ws' {
  import type { RealtimeClientOptions } from '@supabase/supabase-js'
  const WebSocket: NonNullable<RealtimeClientOptions['transport']>
  export default WebSocket
}
