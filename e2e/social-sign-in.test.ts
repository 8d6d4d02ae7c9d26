import type { ProjectConnection } from '@favo/contracts'
import { startLoginServer, startPlatform, type LoginServer, type TestPlatform } from '@favo/testkit'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBrowser, type TestBrowser } from './support/browser.ts'
import { startNotesApp, type AppOptions, type NotesApp } from './support/notes-app.ts'
import { addressOf } from './support/projects.ts'

const ann = { email: 'ann@example.com', password: 'a long password', name: 'Ann' }
const bob = { email: 'bob@example.com', password: 'another password', name: 'Bob' }

let platform: TestPlatform
let project: ProjectConnection
let browser: TestBrowser
let app: NotesApp
let elsewhere: NotesApp
let login: LoginServer
beforeAll(async () => {
  const starting = startBrowser()
  platform = await startPlatform({ allowPrivateAddresses: true })
  ;[project, app, elsewhere] = await Promise.all([platform.createProject(), startNotesApp(), startNotesApp()])
  login = await startLoginServer({
    client: {
      id: 'notes',
      secret: 'of the client',
      redirectUri: `${addressOf(platform, project, 'ref')}/auth/v1/callback`,
    },
    accounts: [ann, bob],
  })
  await platform.api('PATCH', `/v1/projects/${project.ref}/config/auth`, {
    site_url: app.url,
    uri_allow_list: `${app.url}/**`,
    external_keycloak_enabled: true,
    external_keycloak_client_id: 'notes',
    external_keycloak_secret: 'of the client',
    external_keycloak_url: login.issuer,
  })
  await platform.api('POST', `/v1/projects/${project.ref}/database/query`, {
    query: `create table notes (author uuid not null default auth.uid() references auth.users, body text);
     alter table notes enable row level security;
     create policy "authors have their notes" on notes using (author = auth.uid());`,
  })
  browser = await starting
})
afterAll(async () => {
  await browser.close()
  await Promise.all([app.close(), elsewhere.close(), login.close()])
  await platform.close()
})

const options = (more: Partial<AppOptions> = {}): AppOptions => ({
  projectUrl: addressOf(platform, project, 'ref'),
  key: project.keys.publishable,
  flowType: 'pkce',
  ...more,
})

/** To the application, on to the provider, and in there with a password. */
async function signInAtProvider(page: Page, address: string, { email, password } = ann): Promise<void> {
  await page.goto(address)
  await page.getByText('Nobody').waitFor()
  await page.getByRole('button', { name: 'Sign in with Keycloak' }).click()
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const answerConsent = (page: Page, name: 'Allow' | 'Deny') => page.getByRole('button', { name }).click()
const stateOf = (page: Page) => page.locator('#state')
const storedSession = (page: Page) =>
  page.evaluate(() => {
    const name = Object.keys(localStorage).find((key) => key.endsWith('-auth-token'))
    return JSON.parse(localStorage.getItem(name ?? '') ?? 'null') as {
      access_token: string
      refresh_token: string
      provider_token: string
    } | null
  })

test.each([
  ['pkce', 'ref', bob],
  ['implicit', 'path', ann],
] as const)(
  'a person signs in with a provider by %s, sees own rows alone, and signs out for good',
  async (flowType, form, person) => {
    const page = await browser.newPage()
    const earlier = app.visits.length
    const projectUrl = addressOf(platform, project, form)
    await signInAtProvider(page, app.pageFor(options({ flowType, projectUrl })), person)
    expect(await page.getByRole('heading').textContent()).toBe('May it know your profile email openid?')
    await answerConsent(page, 'Allow')

    await page.getByText(person.email, { exact: true }).waitFor()
    expect(await page.getByRole('listitem').allTextContents()).toEqual([`by ${person.email}`])
    const session = await storedSession(page)
    expect(session?.provider_token).toBeTruthy()
    // Neither the code nor the tokens stay in the address, and no server has seen tokens.
    expect(page.url()).not.toMatch(/[?&#](code|access_token)=/)
    const visits = app.visits.slice(earlier).join()
    expect(visits).not.toContain('token=')
    expect(visits.includes('&code=')).toBe(flowType === 'pkce')

    await page.reload()
    await page.getByText(person.email, { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('Signed out').waitFor()
    expect(await storedSession(page)).toBeNull()
    const refreshed = await fetch(`${project.path_url}/auth/v1/token?grant_type=refresh_token`, {
      method: 'POST',
      headers: { apikey: project.keys.publishable, 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: session?.refresh_token }),
    })
    expect(refreshed.status).toBe(400)
  },
)

test.each(['pkce', 'implicit'] as const)(
  'who says no to the provider is told to the application (%s)',
  async (flowType) => {
    const page = await browser.newPage()
    await signInAtProvider(page, app.pageFor(options({ flowType })))
    await answerConsent(page, 'Deny')
    await expect
      .poll(async () => stateOf(page).textContent())
      .toContain('"error":"access_denied","error_description":"The user said no"')
    expect(await stateOf(page).textContent()).toContain('"message":"The user said no"')
    expect(await storedSession(page)).toBeNull()
  },
)

test('an address that is not on the allow list gets neither browser nor code: they come back to the site', async () => {
  const page = await browser.newPage()
  // The site's own host name and this machine's addresses are as good as on the list, whatever the port.
  const redirectTo = `${elsewhere.url.replace('localhost', 'elsewhere.localhost')}/steal`
  const address = app.pageFor(options({ redirectTo }))
  await signInAtProvider(page, address)
  await answerConsent(page, 'Allow')
  await page.waitForURL(
    (url) => url.origin === app.url && url.pathname === '/' && url.searchParams.has('code'),
  )
  expect(elsewhere.visits).toEqual([])
})
