// SPDX-License-Identifier: Apache-2.0
#include "analysis/report_figure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

#define TERMINAL                                                                               \
	"set terminal svg size 720,430 font 'DejaVu Sans,sans-serif,14' background '#ffffff' " \
	"noenhanced\n"

#define MARK  "figure-is-whole"
#define AFTER "set print '-'\nprint '" MARK "'\n"

/* "r0-dist3.svg" and the like: what an earlier report left, perhaps of more figures. */
static bool is_ours(const char *name)
{
	const char *dot = strrchr(name, '.'), *dash = strchr(name, '-');

	if (*name != 'r' || !dash || dash == name + 1 || !dot ||
	    strspn(name + 1, "0123456789") != (size_t)(dash - name - 1))
		return false;
	return !strcmp(dot, ".tsv") || !strcmp(dot, ".gp") || !strcmp(dot, ".svg");
}

static void remove_old(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_dir_ DIR *list = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	while (list && (entry = readdir(list)))
		if (is_ours(entry->d_name))
			unlinkat(dir, entry->d_name, 0);
}

int figures_open(int dirfd, struct figures *f, struct diag *d)
{
	*f = (struct figures){.dir = -1};
	if (mkdirat(dirfd, "figures", 0755) && errno != EEXIST)
		return diag_errno(d, -errno, "figures");
	f->dir = openat(dirfd, "figures", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f->dir < 0)
		return diag_errno(d, -errno, "figures");
	remove_old(f->dir);
	return 0;
}

/* Under the directory, never through a link that somebody put there: made anew each time. */
static int create(int dir, const char *name, const char *suffix, struct diag *d)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s%s", name, suffix);
	unlinkat(dir, path, 0);
	fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? diag_errno(d, -errno, "figures/%s", path) : fd;
}

int figure_begin(struct figures *f, const char *name, const char *title, const char *alt,
		 struct diag *d)
{
	struct figure *grown = reallocarray(f->item, f->n + 1, sizeof(*grown)), *one;
	int fd;

	if (!grown)
		return -ENOMEM;
	f->item = grown;
	one = &grown[f->n];
	*one = (struct figure){.title = strdup(title), .alt = strdup(alt)};
	snprintf(one->name, sizeof(one->name), "%s", name);
	f->n++;
	fd = create(f->dir, name, ".tsv", d);
	if (fd < 0)
		return fd;
	f->data = fdopen(fd, "w");
	f->script = open_memstream(&f->text, &f->text_len);
	if (!one->title || !one->alt || !f->data || !f->script)
		return -ENOMEM;
	fputs("reset\nset datafile separator '\\t'\nset key tmargin center horizontal width 1 "
	      "samplen 3\n"
	      "set grid lc rgb '#dddddd'\nset border 3 lc rgb '#1a1a1a'\nset tics nomirror\n",
	      f->script);
	return 0;
}

int figure_end(struct figures *f, struct diag *d)
{
	struct figure *one = &f->item[f->n - 1];
	_free_ char *file = NULL;
	int failed = fclose(f->data) ? -errno : 0, fd, len;

	f->data = NULL;
	fclose(f->script);
	f->script = NULL;
	one->script = f->text;
	f->text = NULL;
	if (failed)
		return diag_errno(d, failed, "figures/%s.tsv", one->name);
	len = asprintf(&file, TERMINAL "set output '%s.svg'\n%s", one->name, one->script);
	if (len < 0)
		return -ENOMEM;
	fd = create(f->dir, one->name, ".gp", d);
	if (fd < 0)
		return fd;
	failed = jsonio_write_all(fd, file, (size_t)len);
	close(fd);
	return failed ? diag_errno(d, failed, "figures/%s.gp", one->name) : (int)f->n - 1;
}

void figure_quote(FILE *script, const char *text)
{
	fputc('\'', script);
	for (; *text; text++) {
		if (*text == '\'') /* gnuplot doubles it */
			fputs("''", script);
		else
			fputc((unsigned char)*text < ' ' ? ' ' : *text, script);
	}
	fputc('\'', script);
}

void figure_field(FILE *data, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == '"' ? ' ' : *text, data);
}

/* The scripts from figure `first` on, as a file that is nobody else's. */
static int script_file(const struct figures *f, size_t first, struct diag *d)
{
	int fd = memfd_create("figures.gp", MFD_CLOEXEC), err = 0;

	if (fd < 0)
		return diag_errno(d, -errno, "memfd_create");
	err = jsonio_write_all(fd, TERMINAL, sizeof(TERMINAL) - 1);
	for (size_t i = first; !err && i < f->n; i++)
		err = jsonio_write_all(fd, f->item[i].script, strlen(f->item[i].script))
			      ?: jsonio_write_all(fd, AFTER, sizeof(AFTER) - 1);
	if (err || lseek(fd, 0, SEEK_SET)) {
		close(fd);
		return diag_errno(d, err ? err : -errno, "figures");
	}
	return fd;
}

/* In the child: in figures/, script on standard input, SVGs to `out`, complaints to `errors`. */
_Noreturn static void exec_gnuplot(const struct figures *f, int script, int out, int errors)
{
	if (fchdir(f->dir) || dup2(script, 0) < 0 || dup2(out, 1) < 0 || dup2(errors, 2) < 0)
		_exit(126);
	setenv("LC_ALL", "C", 1);
	setenv("HOME", "/nonexistent", 1); /* no ~/.gnuplot of somebody's taste */
	unsetenv("GNUPLOT_LIB");
	execlp("gnuplot", "gnuplot", "-d", "-", (char *)NULL);
	_exit(127);
}

static char *slurp(int fd, size_t *len)
{
	size_t room = 1 << 20, n = 0;
	char *text = malloc(room);
	ssize_t got;

	while (text) {
		if (n + 1 == room) {
			char *grown = realloc(text, room *= 2);

			if (!grown)
				free(text);
			text = grown;
			continue;
		}
		got = read(fd, text + n, room - n - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (text)
		text[n] = '\0';
	*len = n;
	return text;
}

/* Standard output is a row of documents, each followed by the mark when its script ended well. */
static size_t take_svgs(struct figures *f, size_t first, char *text)
{
	while (text && first < f->n) {
		char *from = strstr(text, "<?xml"), *mark = strstr(text, MARK);
		char *end = from ? strstr(from, "</svg>") : NULL;

		if (!end || !mark || end > mark)
			break;
		end += strlen("</svg>");
		f->item[first].svg_len = (size_t)(end - from);
		f->item[first].svg = strndup(from, f->item[first].svg_len);
		first++;
		text = mark + strlen(MARK);
	}
	return first;
}

static void complain(struct figures *f, int status, int errors, const struct figure *one)
{
	char text[200] = "";
	ssize_t n = lseek(errors, 0, SEEK_SET) ? 0 : read(errors, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		snprintf(f->why, sizeof(f->why),
			 "gnuplot is not installed; the data and a script of each figure are in "
			 "figures/, and 'iomodes report' draws them once it is");
	else
		snprintf(f->why, sizeof(f->why), "gnuplot drew no %s: %s", one->name, text);
}

int figures_draw(struct figures *f, struct diag *d)
{
	size_t done = 0;

	while (done < f->n) {
		_fd_ int script = script_file(f, done, d);
		_fd_ int errors = memfd_create("errors", MFD_CLOEXEC);
		_free_ char *text = NULL;
		int out[2], status = 0;
		size_t len, before = done;
		pid_t pid;

		if (script < 0 || errors < 0 || pipe2(out, O_CLOEXEC))
			return script < 0 ? script : diag_errno(d, -errno, "gnuplot");
		pid = fork();
		if (!pid)
			exec_gnuplot(f, script, out[1], errors);
		close(out[1]);
		text = pid > 0 ? slurp(out[0], &len) : NULL;
		close(out[0]);
		if (pid < 0)
			return diag_errno(d, -errno, "gnuplot");
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		done = take_svgs(f, done, text);
		if (done == f->n)
			break;
		complain(f, status, errors, &f->item[done]);
		if (done == before && WIFEXITED(status) && WEXITSTATUS(status) >= 126)
			break;
		done++; /* this one failed; go on behind it */
	}
	for (size_t i = 0; i < f->n; i++) {
		int fd, err;

		if (!f->item[i].svg)
			continue;
		fd = create(f->dir, f->item[i].name, ".svg", d);
		if (fd < 0)
			return fd;
		err = jsonio_write_all(fd, f->item[i].svg, f->item[i].svg_len);
		close(fd);
		if (err)
			return diag_errno(d, err, "figures/%s.svg", f->item[i].name);
	}
	return 0;
}

void figures_close(struct figures *f)
{
	if (f->data)
		fclose(f->data);
	if (f->script)
		fclose(f->script);
	free(f->text);
	for (size_t i = 0; i < f->n; i++) {
		free(f->item[i].title);
		free(f->item[i].alt);
		free(f->item[i].script);
		free(f->item[i].svg);
	}
	free(f->item);
	if (f->dir >= 0)
		close(f->dir);
	f->dir = -1;
}
