import { describe, expect, test } from 'vitest'
import { findTemplateProblem, htmlToText, renderHtml, renderLine } from './index.ts'

const data = {
  Email: 'ann@example.com',
  Token: '123456',
  SiteURL: 'https://example.com',
  ConfirmationURL: 'https://x.example/verify?token=a&type=signup',
  NewEmail: '',
  Data: {
    name: 'Ann',
    plan: { name: 'pro', seats: 3 },
    tags: ['a', 'b', 'c'],
    evil: '"><script>alert(1)</script>',
    link: 'javascript:alert(1)',
    truth: true,
  },
}

describe('what templates may say, as Go reads it', () => {
  test.each([
    ['{{ .Email }}', 'ann@example.com'],
    ['{{.Email}} {{- " x" }}', 'ann@example.com x'],
    ['a  {{- .Token -}}  b', 'a123456b'],
    ['a {{/* nothing\n }} */}} b', 'a  b'],
    ['{{ .Data.plan.name }}/{{ .Data.plan.seats }}', 'pro/3'],
    ['{{ .Data.nobody.knows }}|{{ .Missing }}', '|'],
    ['{{ .Data.constructor }}{{ .Data.__proto__ }}{{ .toString }}', ''],
    ['{{ if .NewEmail }}yes{{ else }}no{{ end }}', 'no'],
    ['{{ if .NewEmail }}1{{ else if .Email }}2{{ else }}3{{ end }}', '2'],
    ['{{ if and .Email (not .NewEmail) }}ok{{ end }}', 'ok'],
    ['{{ or .NewEmail .Email "x" }}', 'ann@example.com'],
    ['{{ with .Data.plan }}{{ .name }} {{ $.Token }}{{ end }}', 'pro 123456'],
    ['{{ with .Nothing }}a{{ else }}b{{ end }}', 'b'],
    ['{{ with .Nothing }}a{{ else with .Data.plan }}{{ .name }}{{ end }}', 'pro'],
    ['{{ range .Data.tags }}[{{ . }}]{{ end }}', '[a][b][c]'],
    ['{{ range $i, $tag := .Data.tags }}{{ $i }}={{ $tag }};{{ end }}', '0=a;1=b;2=c;'],
    ['{{ range $key, $value := .Data.plan }}{{ $key }}={{ $value }};{{ end }}', 'name=pro;seats=3;'],
    ['{{ range .Data.tags }}{{ if eq . "b" }}{{ break }}{{ end }}{{ . }}{{ end }}', 'a'],
    ['{{ range .Data.tags }}{{ if eq . "b" }}{{ continue }}{{ end }}{{ . }}{{ end }}', 'ac'],
    ['{{ range .Nothing }}a{{ else }}none{{ end }}', 'none'],
    ['{{ $n := 1 }}{{ range .Data.tags }}{{ $n = . }}{{ end }}{{ $n }}', 'c'],
    ['{{ eq .Data.plan.name "free" "pro" }} {{ ne 1 2 }}', 'true true'],
    ['{{ eq .Data.missing nil }} {{ eq .Data.truth true }}', 'true true'],
    ['{{ lt 1 2 }}{{ le 2 2 }}{{ gt 1 2 }}{{ ge "b" "a" }}', 'truetruefalsetrue'],
    ['{{ lt 1 "a" }}', 'false'],
    ['{{ len .Data.tags }} {{ len "é" }}', '3 2'],
    ['{{ index .Data.tags 1 }}{{ index .Data "plan" "name" }}{{ index .Data.tags 9 }}', 'bpro'],
    ['{{ (index .Data "plan").name }}', 'pro'],
    ['{{ slice .Token 0 3 }}-{{ slice .Token 3 }}', '123-456'],
    [
      '{{ printf "%s has %d, %5.2f%% %q %v %05d|%-4s|" "x" 3 1.5 "q" true 42 "ab" }}',
      'x has 3,  1.50% &#34;q&#34; true 00042|ab  |',
    ],
    ['{{ .Token | printf "%s-%s" "a" }}', 'a-123456'],
    ['{{ print 1 "a" }}{{ `raw "x" {{` }}', '1araw &#34;x&#34; {{'],
    ['{{ "tab\\tnew\\u0041" }}', 'tab\tnewA'],
    ['{{ true }} {{ 0x10 }} {{ 1_000 }}', 'true 16 1000'],
    ['{{ .Data.name | html }}', 'Ann'],
  ])('%s', (template, expected) => {
    expect(renderHtml(template, data)).toBe(expected)
  })
})

describe('a template that cannot be used is told why', () => {
  test.each([
    ['{{ .Email', 'line 1: an action that began with {{ is not closed'],
    ['a\nb{{ if .A }}', 'line 2: {{if}} has no {{end}}'],
    ['{{ end }}', 'line 1: {{end}} closes nothing'],
    ['{{ if .A }}{{ else }}{{ else }}{{ end }}', '{{if}} has two {{else}}'],
    ['{{ exec "ls" }}', 'there is no function "exec"'],
    ['{{ template "x" }}', '{{template}} is not supported'],
    ['{{ $x }}', 'the variable $x has no value here'],
    ['{{ if .A }}{{ $x := 1 }}{{ end }}{{ $x }}', 'the variable $x has no value here'],
    ['{{ break }}', '{{break}} stands outside of {{range}}'],
    ['{{ .A .B }}', 'only functions take arguments'],
    ['{{ }}', 'is empty'],
    ['{{ ( .A }}', 'there is a "(" without its ")"'],
    ['{{ .A ) }}', 'there is a ")" without its "("'],
    ['{{ .A # }}', 'unexpected "#" in an action'],
    ['{{ eq 1 }}', 'eq: an argument is missing'],
    ['{{/* open', 'a comment is not closed'],
    ['{{ "\\z" }}', '\\z is not an escape'],
  ])('%s', (template, expected) => {
    expect(findTemplateProblem('content', template)).toContain(expected)
  })
})

describe('limits hold, whatever a template or its data asks for', () => {
  const big = { list: Array.from({ length: 1_000 }, () => 'x'.repeat(500)) }
  const deep = '{{ if 1 }}'.repeat(60) + '{{ end }}'.repeat(60)
  test.each([
    ['too long', 'x'.repeat(300_000), /longer than 262144/],
    ['nested too deep', deep, /nested deeper/],
    ['parentheses too deep', `{{ ${'('.repeat(80)}1${')'.repeat(80)} }}`, /nested deeper/],
    [
      'a text that doubles',
      `{{ $x := "ab" }}${'{{ $x = printf "%s%s" $x $x }}'.repeat(40)}`,
      /longer than|more than/,
    ],
    [
      'an output without end',
      '{{ range .list }}{{ range $.list }}{{ . }}{{ end }}{{ end }}',
      /longer than|more than/,
    ],
    ['loops in loops', '{{ range .list }}{{ range $.list }}{{ end }}{{ end }}', /more than 50000 steps/],
    ['counting forever', '{{ range 1000000000 }}{{ end }}', /more than 50000 steps/],
    [
      'a large value again and again',
      '{{ range .list }}{{ range $.list }}{{ len $.list }}{{ end }}{{ end }}',
      /steps/,
    ],
  ])('%s', (_what, template, expected) => {
    const startedAt = performance.now()
    expect(() => renderHtml(template, big)).toThrow(expected)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })

  test.each([
    ['blanks', `{{ ${' '.repeat(250_000)}`],
    ['open styles', '<style></style'.repeat(18_000)],
    ['open tags', '<a "'.repeat(60_000)],
    ['open comments', '<!--'.repeat(60_000)],
    ['cells', '<td>'.repeat(60_000)],
  ])('%s take time in proportion to their length', (_what, template) => {
    const startedAt = performance.now()
    findTemplateProblem('content', template)
    htmlToText(template)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })
})

describe('a value never leaves its place', () => {
  const place = (template: string, value: string) => renderHtml(template, { v: value })
  test.each([
    ['text', '<p>{{ .v }}</p>', '<b>"\'&', '<p>&lt;b&gt;&#34;&#39;&amp;</p>'],
    ['attribute', '<a title="{{ .v }}">', '"><script>', '<a title="&#34;&gt;&lt;script&gt;">'],
    ['attribute in single quotes', "<a title='{{ .v }}'>", "' onclick=x", "<a title='&#39; onclick=x'>"],
    ['attribute without quotes', '<a title={{ .v }}>', 'x onclick=y>', '<a title=x&#32;onclick&#61;y&gt;>'],
    ['address', '<a href="{{ .v }}">', 'javascript:alert(1)', '<a href="#ZgotmplZ">'],
    ['address in disguise', '<a href="{{ .v }}">', ' JaVaScRiPt:x', '<a href="#ZgotmplZ">'],
    ['data address', '<img src="{{ .v }}">', 'data:text/html,x', '<img src="#ZgotmplZ">'],
    ['good address', '<a href="{{ .v }}">', 'https://a.b/c?d=e&f=g', '<a href="https://a.b/c?d=e&amp;f=g">'],
    [
      'query',
      '<a href="https://a.b/?next={{ .v }}&x=1">',
      'a&b=c#d',
      '<a href="https://a.b/?next=a%26b%3Dc%23d&x=1">',
    ],
    ['path', '<a href="https://a.b/{{ .v }}">', 'x y"><b', '<a href="https://a.b/x%20y%22%3E%3Cb">'],
    ['script', '<script>var x = {{ .v }}</script>', '";alert(1)//', '<script>var x = ZgotmplZ</script>'],
    ['handler', '<a onclick="f({{ .v }})">', "1);alert('x'", '<a onclick="f(ZgotmplZ)">'],
    ['style', '<p style="color: {{ .v }}">', 'red; background: url(x)', '<p style="color: ZgotmplZ">'],
    ['style that is harmless', '<p style="color: {{ .v }}">', '#ff0000', '<p style="color: #ff0000">'],
    ['name of an attribute', '<a {{ .v }}="x">', 'onclick', '<a ZgotmplZ="x">'],
    ['name of an element', '<{{ .v }}>', 'script', '<ZgotmplZ>'],
    ['comment', '<!-- {{ .v }} -->', '--><script>', '<!--  -->'],
    ['title', '<title>{{ .v }}</title>', '</title><script>', '<title>&lt;/title&gt;&lt;script&gt;</title>'],
    ['after a script', '<script>a<b</script>{{ .v }}', '<i>', '<script>a<b</script>&lt;i&gt;'],
    ['after a comparison', 'a < b {{ .v }}', '<i>', 'a < b &lt;i&gt;'],
  ])('%s', (_what, template, value, expected) => {
    expect(place(template, value)).toBe(expected)
  })

  test('nor the line it stands in', () => {
    expect(renderLine('Hi {{ .v }}!', { v: 'x\r\nBcc: eve@example.com\u2028y' })).toBe(
      'Hi x Bcc: eve@example.com y!',
    )
    expect(renderLine('{{ .v }}', { v: "O'Brien & <co>" })).toBe("O'Brien & <co>")
    expect(renderLine('{{ .v }}', { v: 'x'.repeat(5_000) })).toHaveLength(250)
  })
})

test('a mail reads well without HTML', () => {
  expect(
    htmlToText(`<head><title>T</title><style>p { }</style></head>
      <h1>Hello&nbsp;&amp; welcome</h1><p>One<br>two   three</p>
      <ul><li>a</li><li>b</li></ul><p><a href="https://x.example/?a=1&amp;b=2">Go &#8594;</a></p>
      <p><a href="https://x.example">https://x.example</a></p><!-- x --><script>y</script>`),
  ).toBe(
    'Hello & welcome\n\nOne\ntwo three\n\n- a\n\n- b\n\nGo →: https://x.example/?a=1&b=2\n\nhttps://x.example',
  )
})
