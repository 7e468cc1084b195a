/*
 * Log lines: put together in one buffer, written at once, so that lines of several processes
 * on one terminal do not mix.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/iso8601.h"
#include "base/slice.h"

/* A longer line is cut and ends in "...". */
#define LINE_MAX_BYTES 4096

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
    bool is_cut;
};

/* Room that is kept for "...\n". */
#define TAIL_BYTES 4

static const struct {
    const char *name;
    const char *column; /* as wide as the others, so that messages align */
} levels[] = {
    [LOG_ERROR] = {"error",   "error"},
      [LOG_WARNING] = {"warning", "warn "},
    [LOG_INFO] = {"info",    "info "},
      [LOG_DEBUG] = {"debug",   "debug"},
    [LOG_TRACE] = {"trace",   "trace"},
};

/* Users of the client libraries may log from several threads. */
static atomic_int level_now = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&level_now, memory_order_relaxed);
}

bool log_level_parse(const char *text, enum log_level *out)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (text != NULL && strcmp(text, levels[i].name) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* Time and level; all starts have one width. */
static void line_start(struct line *line, enum log_level level)
{
    const struct clock clock = {0};
    char time[ISO8601_MAX];

    iso8601_format_seven(time, clock_read(&clock).at_ms);
    /* Up to the milliseconds: the other four digits are zeros. */
    line->len = (size_t)snprintf(line->text, sizeof(line->text), "%.23sZ %s ", time,
                                 levels[level].column);
}

static bool line_put(struct line *line, struct slice s)
{
    if (line->is_cut || s.len > sizeof(line->text) - TAIL_BYTES - line->len) {
        line->is_cut = true;
        return false;
    }
    memcpy(line->text + line->len, s.data, s.len);
    line->len += s.len;
    return true;
}

/* C0, DEL, and C1, which is 80 to 9F behind the UTF-8 lead byte C2. */
static bool is_control(unsigned char c, unsigned char before)
{
    return c < 0x20 || c == 0x7f || (before == 0xc2 && c >= 0x80 && c <= 0x9f);
}

static void line_put_escaped(struct line *line, struct slice message)
{
    unsigned char before = 0;

    for (size_t i = 0; i < message.len; i++) {
        unsigned char c = (unsigned char)message.data[i];
        char escape[5];
        struct slice piece = slice_make(message.data + i, 1);
        if (is_control(c, before)) {
            snprintf(escape, sizeof(escape), "\\x%02x", c);
            piece = slice_make(escape, 4);
        }
        if (!line_put(line, piece)) {
            return;
        }
        before = c;
    }
}

/* Do not leave half a UTF-8 character in front of the dots. */
static void drop_half_character(struct line *line)
{
    size_t len = line->len;

    while (len > 0 && ((unsigned char)line->text[len - 1] & 0xc0) == 0x80) {
        len--;
    }
    if (len > 0 && (unsigned char)line->text[len - 1] >= 0xc0) {
        line->len = len - 1;
    }
}

static void line_write(struct line *line)
{
    size_t done = 0;

    if (line->is_cut) {
        drop_half_character(line);
        memcpy(line->text + line->len, "...", 3);
        line->len += 3;
    }
    line->text[line->len++] = '\n';
    while (done < line->len) {
        ssize_t n = write(STDERR_FILENO, line->text + done, line->len - done);
        if (n < 0 && errno != EINTR) {
            /* There is nowhere left to say so. */
            return;
        }
        done += n < 0 ? 0 : (size_t)n;
    }
}

void log_write(enum log_level level, const char *format, ...)
{
    char message[LINE_MAX_BYTES];
    struct line line = {.len = 0};
    int saved_errno = errno;
    va_list args;

    if (!log_is_on(level)) {
        return;
    }
    va_start(args, format);
    int len = vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (len < 0) {
        len = 0;
    }
    bool is_whole = (size_t)len < sizeof(message);
    line_start(&line, level);
    line_put_escaped(&line, slice_make(message, is_whole ? (size_t)len : sizeof(message) - 1));
    line.is_cut = line.is_cut || !is_whole;
    line_write(&line);
    errno = saved_errno;
}
