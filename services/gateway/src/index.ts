export { defaultGatewayConfig, type GatewayConfig } from './config.ts'
export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts'
export type { HealthCheck, HealthReport } from './health.ts'
