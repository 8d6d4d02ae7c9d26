export * from './directory.ts'
export * from './directory-source.ts'
export * from './project.ts'
