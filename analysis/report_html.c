// SPDX-License-Identifier: Apache-2.0
#include "analysis/report_html.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void html_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		switch (c) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default: /* control characters are not allowed in HTML */
			fputc(c < ' ' && c != '\n' && c != '\t' ? ' ' : c, out);
		}
	}
}

void html_element(FILE *out, const char *tag, const char *text)
{
	fprintf(out, "<%s>", tag);
	html_text(out, text);
	fprintf(out, "</%.*s>", (int)__builtin_strcspn(tag, " "), tag);
}

void html_elementf(FILE *out, const char *tag, const char *fmt, ...)
{
	_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	html_element(out, tag, text ?: "");
}

void html_table(FILE *out, const char *caption)
{
	fputs("<div class=box tabindex=0 role=region aria-label=\"", out);
	html_text(out, caption);
	fputs("\">\n<table>", out);
	html_element(out, "caption", caption);
	fputc('\n', out);
}

void html_table_end(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

void html_head(FILE *out, const char *const *columns, size_t n)
{
	fputs("<thead><tr>", out);
	for (size_t i = 0; i < n; i++)
		html_element(out, "th scope=col", columns[i]);
	fputs("</tr></thead>\n<tbody>\n", out);
}

void html_number(FILE *out, const char *metric, double value, const char *text)
{
	if (isnan(value)) {
		fputs("<td class=n>-</td>", out);
		return;
	}
	fprintf(out, "<td class=n data-metric=\"%s\" data-value=\"%.15g\">", metric, value);
	html_text(out, text);
	fputs("</td>", out);
}

void html_verdict(FILE *out, const char *word)
{
	static const struct {
		const char *word, *sign;
	} signs[] = {{"better", "&#9650; "},
		     {"worse", "&#9660; "},
		     {"equivalent", "&#61; "},
		     {"inconclusive", "? "}};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (!strcmp(word, signs[i].word))
			fputs(signs[i].sign, out);
	html_text(out, word);
}

void html_base64(FILE *out, const void *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3) {
		unsigned v = (unsigned)p[i] << 16;

		if (i + 1 < len)
			v |= (unsigned)p[i + 1] << 8;
		if (i + 2 < len)
			v |= p[i + 2];
		fputc(digits[v >> 18], out);
		fputc(digits[v >> 12 & 63], out);
		fputc(i + 1 < len ? digits[v >> 6 & 63] : '=', out);
		fputc(i + 2 < len ? digits[v & 63] : '=', out);
	}
}

/* Light, for screens from 400 pixels and for paper; nothing is said by colour alone. */
/* clang-format off */
static const char style[] =
	":root{color-scheme:light}*{box-sizing:border-box}\n"
	"body{margin:0 auto;max-width:1240px;padding:1rem;background:#fff;color:#1a1a1a;font:16px/1.5 system-ui,'DejaVu Sans',sans-serif}\n"
	"h1{font-size:1.5rem;line-height:1.2;margin:.2rem 0}\n"
	"h2{font-size:1.2rem;margin:1.8rem 0 .4rem;border-bottom:2px solid #1a1a1a;padding-bottom:.2rem}\n"
	"h3{font-size:1.02rem;margin:1.4rem 0 .4rem}\n"
	"p,ul,ol{margin:.4rem 0;max-width:105ch}li{margin:.2rem 0}\n"
	"code,pre,.mono{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:.86em;overflow-wrap:anywhere}\n"
	"pre{background:#f4f4f4;padding:.6rem;border:1px solid #ccc;white-space:pre-wrap;margin:.3rem 0}\n"
	"a{color:#00457c}a.skip{position:absolute;left:-999px}a.skip:focus{position:static}\n"
	":focus-visible{outline:3px solid #00457c;outline-offset:2px}\n"
	".facts,nav ul{display:flex;flex-wrap:wrap;gap:0 1.4rem;margin:.3rem 0;padding:0;list-style:none;max-width:none;font-size:.9rem}\n"
	".facts li{margin:0}.notes{font-size:.9rem}\n"
	"nav{margin:1rem 0;border-top:1px solid #ccc;border-bottom:1px solid #ccc;padding:.3rem 0}\n"
	".answer{border:2px solid #1a1a1a;padding:.2rem 1rem .5rem;margin:.8rem 0}.answer h2{border:0;margin:.3rem 0 0}\n"
	".answer ul{padding-left:1.2rem}\n"
	".warn{border-left:6px solid #b00020;background:#fdf1f2;padding:.4rem .8rem;margin:.6rem 0}\n"
	".box{overflow-x:auto;margin:.5rem 0 1rem}\n"
	"table{border-collapse:collapse;font-size:.875rem;line-height:1.35}\n"
	"caption{text-align:left;color:#444;padding-bottom:.25rem;font-size:.875rem}\n"
	"th,td{padding:.22rem .55rem;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}\n"
	"thead th{border-bottom:2px solid #1a1a1a;vertical-align:bottom}\n"
	"th[scope=row]{font-weight:600;position:sticky;left:0;background:#fff}\n"
	"@media(min-width:641px){th[scope=row]{white-space:nowrap}}\n"
	"td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.w{min-width:26ch}td.d{min-width:34ch}\n"
	"tr.out td,tr.out th{color:#555}.v{white-space:nowrap;font-weight:600}\n"
	"figure{margin:.8rem 0 1.4rem}figure div{overflow-x:auto}\n"
	"figure img{display:block;width:100%;max-width:760px;min-width:520px;height:auto;border:1px solid #ddd}\n"
	"figcaption{font-size:.875rem;color:#333;max-width:80ch}\n"
	".figs{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:0 1.5rem}\n"
	"footer{margin-top:3rem;border-top:1px solid #ccc;font-size:.875rem;color:#444}\n"
	"@media(max-width:640px){body{padding:.6rem;font-size:15px}figure img{min-width:440px}\n"
	"th[scope=row]{min-width:6rem;max-width:8.5rem;overflow-wrap:break-word;white-space:normal}.v{white-space:normal}td.w{min-width:15ch;overflow-wrap:anywhere}\n"
	"th,td{padding:.2rem .4rem}caption{max-width:92vw}}\n"
	"@media print{@page{margin:14mm}body{max-width:none;padding:0;font-size:9.5pt}.box,figure div{overflow:visible}\n"
	"figure,tr,.box,.answer{break-inside:avoid}h2,h3{break-after:avoid}nav,a.skip{display:none}table{font-size:7.5pt}\n"
	"th[scope=row]{position:static}figure img{min-width:0;max-width:150mm}th,td{padding:.1rem .3rem}td.w{min-width:12ch}.figs{display:block}}\n";
/* clang-format on */

void html_style(FILE *out)
{
	fprintf(out, "<style>%s</style>\n", style);
}
