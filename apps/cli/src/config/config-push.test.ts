import type { ProjectConnection } from '@favo/contracts'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import { sha256Hex } from '@favo/tokens'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli, writeFiles } from '../../test/run-cli.ts'
import { readAuth } from './read-auth.ts'

const read = (toml: string, env: Record<string, string> = {}, workdir = '/nonexistent') =>
  readAuth((parse(toml) as { auth?: unknown }).auth, { env, workdir })

describe('what config.toml says, by the names of the Management API', () => {
  test.each([
    [
      '[auth]\nsite_url = "https://a.example"\njwt_expiry = 600',
      { site_url: 'https://a.example', jwt_exp: 600 },
    ],
    ['[auth]\nenable_signup = false', { disable_signup: true }],
    [
      '[auth]\nadditional_redirect_urls = ["https://a", "https://b/**"]',
      { uri_allow_list: 'https://a,https://b/**' },
    ],
    [
      '[auth]\npassword_requirements = "letters_digits"',
      { password_required_characters: expect.stringMatching(/z.*Z:0123456789$/) as string },
    ],
    [
      '[auth.email]\nenable_confirmations = true\nmax_frequency = "1m30s"',
      { mailer_autoconfirm: false, smtp_max_frequency: 90 },
    ],
    [
      '[auth.sessions]\ntimebox = "24h"\ninactivity_timeout = "30m"',
      { sessions_timebox: 24, sessions_inactivity_timeout: 0.5 },
    ],
    [
      '[auth.mfa.phone]\nenroll_enabled = true\ntemplate = "{{ .Code }}"',
      { mfa_phone_enroll_enabled: true, mfa_phone_template: '{{ .Code }}' },
    ],
    ['[auth.rate_limit]\nsign_in_sign_ups = 7\nemail_sent = 9', { rate_limit_otp: 7 }],
    [
      '[auth.rate_limit]\nemail_sent = 9\n[auth.email.smtp]\nhost = "smtp.a.example"\nport = 465\nadmin_email = "a@a.example"',
      {
        rate_limit_email_sent: 9,
        smtp_host: 'smtp.a.example',
        smtp_port: '465',
        smtp_admin_email: 'a@a.example',
      },
    ],
    ['[auth.email.smtp]\nenabled = false\nhost = "smtp.a.example"', { smtp_host: '' }],
    [
      '[auth.sms]\nenable_confirmations = true\n[auth.sms.test_otp]\n15550001111 = "123456"',
      { sms_autoconfirm: false, sms_test_otp: '15550001111=123456' },
    ],
    [
      '[auth.sms.twilio]\nenabled = true\naccount_sid = "AC"\nauth_token = "t"\n[auth.sms.vonage]\nenabled = false\nfrom = "x"',
      { sms_provider: 'twilio', sms_twilio_account_sid: 'AC', sms_twilio_auth_token: 't' },
    ],
    [
      '[auth.external.github]\nenabled = true\nclient_id = "id"\nsecret = "s"\n[auth.external.apple]\nenabled = false\nsecret = "env(NONE)"',
      {
        external_github_enabled: true,
        external_github_client_id: 'id',
        external_github_secret: 's',
        external_apple_enabled: false,
      },
    ],
    [
      '[auth.hook.send_email]\nenabled = true\nuri = "pg-functions://postgres/public/mail"\n[auth.hook.send_sms]\nenabled = false\nuri = "x"',
      {
        hook_send_email_enabled: true,
        hook_send_email_uri: 'pg-functions://postgres/public/mail',
        hook_send_sms_enabled: false,
      },
    ],
    [
      '[auth.email.template.invite]\nsubject = "Hi"\n[auth.email.notification.password_changed]\nenabled = true\nsubject = "Changed"',
      {
        mailer_subjects_invite: 'Hi',
        mailer_notifications_password_changed_enabled: true,
        mailer_subjects_password_changed_notification: 'Changed',
      },
    ],
    [
      '[auth.web3.solana]\nenabled = true\n[auth.oauth_server]\nenabled = true\nauthorization_url_path = "/c"',
      {
        external_web3_solana_enabled: true,
        oauth_server_enabled: true,
        oauth_server_authorization_path: '/c',
      },
    ],
    ['[auth]\nenabled = true\njwt_secret = "env(X)"\n[auth.third_party.clerk]\nenabled = false', {}],
    ['[db]\nport = 1', {}],
  ])('%s', async (toml, settings) => {
    expect(await read(toml)).toMatchObject({ settings, warnings: [], problems: [] })
    expect(Object.keys((await read(toml)).settings).toSorted()).toEqual(Object.keys(settings).toSorted())
  })

  test('secrets come from the environment', async () => {
    const toml = '[auth.captcha]\nenabled = true\nprovider = "hcaptcha"\nsecret = "env(CAPTCHA)"'
    expect((await read(toml, { CAPTCHA: 'x' })).settings).toMatchObject({ security_captcha_secret: 'x' })
    const { settings, warnings } = await read(toml)
    expect(settings).not.toHaveProperty('security_captcha_secret')
    expect(warnings).toEqual([
      'auth.captcha.secret names the environment variable CAPTCHA, which is not set; it was left out.',
    ])
  })

  test.each([
    ['[auth]\nfoo = 1', 'auth.foo is not a setting that Favo knows; it was left out.'],
    ['[auth.email.template.farewell]\nsubject = "x"', 'auth.email.template.farewell.subject is not'],
    [
      '[auth.email.template.farewell]\ncontent_path = "x"',
      'auth.email.template.farewell.content_path is not',
    ],
    ['[auth.external.myspace]\nenabled = true\nclient_id = "x"', 'auth.external.myspace.client_id is not'],
    [
      '[auth.external.github]\nenabled = true\nredirect_uri = "https://x"',
      'auth.external.github.redirect_uri is not used',
    ],
    ['[auth]\nenable_refresh_token_rotation = false', 'auth.enable_refresh_token_rotation cannot be false'],
    ['[auth.third_party.clerk]\nenabled = true', 'auth.third_party.clerk is not supported'],
  ])('%s is left out with a sentence', async (toml, sentence) => {
    const { warnings, problems } = await read(toml)
    expect(warnings.join('\n')).toContain(sentence)
    expect(problems).toEqual([])
  })

  test.each([
    ['[auth]\nsite_url = 7', 'auth.site_url must be a text.'],
    ['[auth]\njwt_expiry = "x"', 'auth.jwt_expiry must be a whole number.'],
    ['[auth]\nenable_signup = "yes"', 'auth.enable_signup must be true or false.'],
    ['[auth]\nadditional_redirect_urls = "x"', 'auth.additional_redirect_urls must be a list of texts.'],
    [
      '[auth.email]\nmax_frequency = 5',
      'auth.email.max_frequency must be a duration such as "5s" or "1h30m".',
    ],
    ['[auth]\npassword_requirements = "hard"', 'auth.password_requirements must be one of'],
    [
      '[auth.email.template.invite]\ncontent_path = "./none.html"',
      'auth.email.template.invite.content_path: there is no file ./none.html.',
    ],
    ['[auth.email.smtp]\nenabled = "on"', 'auth.email.smtp.enabled must be true or false.'],
  ])('%s stops everything', async (toml, sentence) => {
    expect((await read(toml)).problems.join('\n')).toContain(sentence)
  })
})

describe('against a platform', () => {
  let platform: TestPlatform
  let project: ProjectConnection
  beforeAll(async () => {
    platform = await startPlatform()
    project = await platform.createProject()
  })
  afterAll(() => platform.close())

  const favo = (args: readonly string[], cwd: string, env: Record<string, string> = {}) =>
    runCli(args, { cwd, env: { ...env, FAVO_API_URL: platform.apiUrl, FAVO_ACCESS_TOKEN: platform.token } })
  const shown = () => platform.api<Record<string, unknown>>('GET', `/v1/projects/${project.ref}/config/auth`)

  test('config push applies the file, with templates beside it and secrets of .env, and warns of the rest', async () => {
    const folder = await writeFiles({
      'supabase/config.toml': `
        [auth]
        site_url = "https://shop.example"
        magic = true
        [auth.email.smtp]
        host = "smtp.shop.example"
        port = 587
        user = "mailer"
        pass = "env(SMTP_PASS)"
        admin_email = "hello@shop.example"
        [auth.email.template.recovery]
        subject = "New password"
        content_path = "./supabase/mails/recovery.html"
        [auth.email.notification.password_changed]
        enabled = true
        content_path = "./mails/changed.html"`,
      'supabase/mails/recovery.html': '<a href="{{ .ConfirmationURL }}">Go</a>',
      'supabase/mails/changed.html': '<p>Changed</p>',
      'supabase/.env': 'SMTP_PASS=from-file',
    })
    const { code, out, err } = await favo(['config', 'push', '--project', project.ref], folder)
    expect(code, err).toBe(0)
    expect(out).toBe('Applied 10 settings.\n')
    expect(err).toBe('Warning: auth.magic is not a setting that Favo knows; it was left out.\n')
    expect(await shown()).toMatchObject({
      site_url: 'https://shop.example',
      smtp_host: 'smtp.shop.example',
      smtp_pass: sha256Hex('from-file'),
      mailer_templates_recovery_content: '<a href="{{ .ConfirmationURL }}">Go</a>',
      mailer_templates_password_changed_notification_content: '<p>Changed</p>',
      mailer_notifications_password_changed_enabled: true,
    })
  })

  test('what the platform refuses changes nothing, and says what is wrong', async () => {
    const folder = await writeFiles({
      'supabase/config.toml':
        '[auth]\nsite_url = "https://other.example"\n[auth.email.template.invite]\nsubject = "{{ .x"',
    })
    const { code, err } = await favo(['config', 'push', '--project', project.ref], folder)
    expect(code).toBe(1)
    expect(err).toContain('mailer_subjects_invite: line 1: an action that began with {{ is not closed')
    expect((await shown()).site_url).toBe('https://shop.example')
  })

  test('a dry run names what it would set, no values, and sets nothing', async () => {
    const folder = await writeFiles({
      'supabase/config.toml': '[auth.email.smtp]\nhost = "h"\npass = "very-secret"',
    })
    const { code, out, err } = await favo(['config', 'push', '--project', project.ref, '--dry-run'], folder)
    expect(code).toBe(0)
    expect(err).toContain('smtp_pass')
    expect(out + err).not.toContain('very-secret')
    expect((await shown()).smtp_host).toBe('smtp.shop.example')
  })

  test('db push does so too when it is asked to, after the migrations', async () => {
    const folder = await writeFiles({
      'supabase/config.toml': '[auth]\nsite_url = "https://pushed.example"',
      'supabase/migrations/20260101000000_a.sql': 'create table public.a (id int);',
    })
    await favo(['db', 'push', '--project', project.ref], folder)
    expect((await shown()).site_url).toBe('https://shop.example')
    const { code, err } = await favo(['db', 'push', '--project', project.ref, '--include-config'], folder)
    expect(code, err).toBe(0)
    expect((await shown()).site_url).toBe('https://pushed.example')
  })

  test('the API, settings of Postgres, and from where and how it is reached are applied as well', async () => {
    const get = (part: string) => platform.api('GET', `/v1/projects/${project.ref}${part}`)
    await platform.api('PUT', `/v1/projects/${project.ref}/config/database/postgres`, { work_mem: '5MB' })
    const folder = await writeFiles({
      'supabase/config.toml': `
        [api]
        port = 54321
        schemas = ["public", "extensions"]
        max_rows = 55
        [db]
        major_version = 17
        [db.settings]
        statement_timeout = "20s"
        [db.network_restrictions]
        enabled = true
        allowed_cidrs = ["203.0.113.0/24"]
        [db.ssl_enforcement]
        enabled = true`,
    })
    const { code, out, err } = await favo(['config', 'push', '--project', project.ref, '--json'], folder)
    expect(code, err).toBe(0)
    expect((JSON.parse(out) as { settings: string[] }).settings).toEqual([
      'db_schema',
      'max_rows',
      'postgres.statement_timeout',
      'network_restrictions',
      'ssl_enforcement',
    ])
    expect(await get('/postgrest')).toMatchObject({
      db_schema: 'public, extensions',
      max_rows: 55,
      db_extra_search_path: 'public, extensions',
    })
    expect(await get('/config/database/postgres')).toEqual({ work_mem: '5MB', statement_timeout: '20s' })
    expect(await get('/network-restrictions')).toMatchObject({
      config: { dbAllowedCidrs: ['203.0.113.0/24'], dbAllowedCidrsV6: [] },
    })
    expect(await get('/ssl-enforcement')).toMatchObject({ currentConfig: { database: true } })
  })

  test('what cannot be used is said all at once, and nothing is applied', async () => {
    const folder = await writeFiles({
      'supabase/config.toml': `
        [api]
        enabled = false
        schemas = "public"
        max_rows = -1
        [db.settings]
        work_mem = ["1MB"]
        [db.network_restrictions]
        enabled = "yes"
        [db.ssl_enforcement]
        enabled = 1`,
    })
    const { code, err } = await favo(['config', 'push', '--project', project.ref], folder)
    expect([code, err.match(/^ {2}\S+/gm)?.map((name) => name.trim())]).toEqual([
      1,
      [
        'api.schemas',
        'api.max_rows',
        'api.enabled',
        'db.settings.work_mem',
        'db.network_restrictions.enabled',
        'db.ssl_enforcement.enabled',
      ],
    ])
  })

  test('a folder without config.toml is told so', async () => {
    const { code, err } = await favo(
      ['config', 'push', '--project', project.ref],
      await writeFiles({ x: '' }),
    )
    expect(code).toBe(1)
    expect(err).toMatch(/There is no .*config\.toml\. Name the folder/)
  })
})
