import type { TypeLanguage } from '@favo/contracts'
import type { GeneratorMetadata } from '@supabase/postgrest-typegen'

/** The version of PostgREST whose dialect the REST service speaks; supabase-js reads it out of the types. */
const POSTGREST_VERSION = '14.0'

export async function generateTypes(language: TypeLanguage, metadata: GeneratorMetadata): Promise<string> {
  const { generateGo, generatePython, generateSwift, generateTypescript } =
    await import('@supabase/postgrest-typegen')
  switch (language) {
    case 'typescript':
      return generateTypescript(metadata, {
        postgrestVersion: POSTGREST_VERSION,
        detectOneToOneRelationships: true,
      })
    case 'go':
      return generateGo(metadata)
    case 'python':
      return generatePython(metadata)
    case 'swift':
      return generateSwift(metadata, {})
  }
}
