// SPDX-License-Identifier: Apache-2.0
#include "base/diag.h"

#include <stdio.h>
#include <string.h>

int diag_set(struct diag *d, int err, const char *fmt, ...)
{
	va_list ap;

	if (!d)
		return err;
	va_start(ap, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	return err;
}

int diag_prefix(struct diag *d, int err, const char *fmt, ...)
{
	char old[sizeof(d->text)];
	size_t len;
	va_list ap;

	if (!d)
		return err;
	memcpy(old, d->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	len = strlen(d->text);
	snprintf(d->text + len, sizeof(d->text) - len, ": %s", old);
	return err;
}

int diag_errno(struct diag *d, int err, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	if (!d)
		return err;
	va_start(ap, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	len = strlen(d->text);
	snprintf(d->text + len, sizeof(d->text) - len, ": %s", strerror(-err));
	return err;
}
