export {
  createPgGateway,
  defaultPgGatewayConfig,
  type PgGateway,
  type PgGatewayConfig,
  type PgGatewayOptions,
  type PgGatewayStats,
} from './pg-gateway.ts'
