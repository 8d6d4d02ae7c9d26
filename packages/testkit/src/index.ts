export { startDnsServer, type TestDns } from './dns-server.ts'
export { adminUrl, startCluster, type ClusterAccess, type TestCluster } from './cluster.ts'
export { startLoginServer, type LoginAccount, type LoginServer } from './login-server.ts'
export { startOpenIdProvider, type OpenIdProvider, type ProviderUser } from './openid-provider.ts'
export { startPlatform, type TestPlatform } from './platform.ts'
export { createInstallation, type Installation, type ServerProcess } from './process.ts'
export { createTestProject, type TestProject } from './project.ts'
export { createSamlProvider, type SamlProvider } from './saml-provider.ts'
export { startService, type TestService } from './service.ts'
export {
  startSmtpCatcher,
  type CaughtMail,
  type SmtpBehaviour,
  type SmtpCatcher,
  type SmtpCatcherOptions,
} from './smtp-catcher.ts'
export { createTestTenancy } from './tenancy.ts'
export {
  startSmsGateways,
  UNREACHABLE_ENDING,
  type SentSms,
  type SmsGatewayName,
  type SmsGateways,
} from './sms-gateways.ts'
