import type { z } from 'zod'
import type { Route } from '../route.ts'
import { accountDescriptions } from './account-descriptions.ts'
import { projectDescriptions } from './project-descriptions.ts'
import { settingDescriptions } from './setting-descriptions.ts'

/** By operation: one sentence, and what success answers. For routes that do not say so themselves. */
export type Descriptions = Readonly<
  Record<string, { readonly summary: string; readonly response: z.ZodType }>
>

export const descriptions: Descriptions = {
  ...projectDescriptions,
  ...settingDescriptions,
  ...accountDescriptions,
}

/** The route with its sentence and its answer. What is no JSON is described by its content type. */
export function withDescription(found: Route): Route {
  const known = descriptions[found.operation]
  return known === undefined ? found : { ...known, ...found }
}
