import type { MailName } from '@favo/contracts'
import type { Words } from './layout.ts'

const code = 'Ou digite este código: {{ .Token }}'
const unasked =
  'Não foi você que pediu? Então não é preciso fazer nada: sem o link ou o código, nada acontece.'
const alarm = 'Não foi você? Então escolha já uma nova senha e avise quem administra {{ .SiteURL }}.'

export const brazilianPortuguese: Readonly<Record<MailName, Words>> = {
  confirmation: {
    subject: 'Confirme seu e-mail',
    heading: 'Confirme seu e-mail',
    text: ['Você se cadastrou em {{ .SiteURL }} com {{ .Email }}. Confirme que este endereço é seu:'],
    button: 'Confirmar meu e-mail',
    code,
    note: unasked,
  },
  invite: {
    subject: 'Você recebeu um convite',
    heading: 'Você recebeu um convite',
    text: ['Você foi convidado a criar uma conta em {{ .SiteURL }}.'],
    button: 'Aceitar o convite',
    code,
    note: 'Não esperava um convite? Então não é preciso fazer nada.',
  },
  magic_link: {
    subject: 'Seu link de acesso',
    heading: 'Entrar',
    text: ['Use este link para entrar em {{ .SiteURL }}. Ele vale uma única vez e por pouco tempo.'],
    button: 'Entrar',
    code,
    note: unasked,
  },
  recovery: {
    subject: 'Redefina sua senha',
    heading: 'Redefina sua senha',
    text: ['Recebemos um pedido de nova senha para {{ .Email }} em {{ .SiteURL }}.'],
    button: 'Redefinir minha senha',
    code,
    note: unasked,
  },
  email_change: {
    subject: 'Confirme a mudança de e-mail',
    heading: 'Confirme seu novo e-mail',
    text: ['Confirme que o e-mail da sua conta muda de {{ .Email }} para {{ .NewEmail }}:'],
    button: 'Confirmar a mudança',
    code,
    note: unasked,
  },
  reauthentication: {
    subject: 'Confirme sua identidade',
    heading: 'Confirme que é você',
    text: ['Antes desta mudança, queremos ter certeza de que é você.'],
    code: 'Digite este código: {{ .Token }}',
    note: unasked,
  },
  password_changed_notification: {
    subject: 'Sua senha foi alterada',
    heading: 'Sua senha foi alterada',
    text: ['A senha da sua conta {{ .Email }} em {{ .SiteURL }} acaba de ser alterada.'],
    note: alarm,
  },
  email_changed_notification: {
    subject: 'Seu e-mail foi alterado',
    heading: 'Seu e-mail foi alterado',
    text: ['O e-mail da sua conta em {{ .SiteURL }} mudou de {{ .OldEmail }} para {{ .Email }}.'],
    note: alarm,
  },
  phone_changed_notification: {
    subject: 'Seu telefone foi alterado',
    heading: 'Seu telefone foi alterado',
    text: [
      'O telefone da sua conta {{ .Email }} mudou{{ if .OldPhone }} de {{ .OldPhone }}{{ end }} para {{ .Phone }}.',
    ],
    note: alarm,
  },
  identity_linked_notification: {
    subject: 'Uma nova forma de entrar foi adicionada',
    heading: 'Uma nova forma de entrar foi adicionada',
    text: ['Agora também é possível entrar na sua conta {{ .Email }} em {{ .SiteURL }} com {{ .Provider }}.'],
    note: alarm,
  },
  identity_unlinked_notification: {
    subject: 'Uma forma de entrar foi removida',
    heading: 'Uma forma de entrar foi removida',
    text: ['Não é mais possível entrar na sua conta {{ .Email }} em {{ .SiteURL }} com {{ .Provider }}.'],
    note: alarm,
  },
  mfa_factor_enrolled_notification: {
    subject: 'Um segundo fator foi adicionado',
    heading: 'Um segundo fator foi adicionado',
    text: ['Um segundo fator ({{ .FactorType }}) foi adicionado à sua conta {{ .Email }} em {{ .SiteURL }}.'],
    note: alarm,
  },
  mfa_factor_unenrolled_notification: {
    subject: 'Um segundo fator foi removido',
    heading: 'Um segundo fator foi removido',
    text: ['Um segundo fator ({{ .FactorType }}) foi removido da sua conta {{ .Email }} em {{ .SiteURL }}.'],
    note: alarm,
  },
}
