/*
 * Texts and lines.
 */
#include "device/cli/source.h"

#include <errno.h>
#include <unistd.h>

void source_of_text(struct source *source, struct slice text, int64_t n_repeats)
{
    *source = (struct source){.fd = -1, .is_at_end = true, .n_repeats = n_repeats};
    buf_init(&source->text, SOURCE_MAX_BYTES);
    buf_put_slice(&source->text, text);
}

void source_of_lines(struct source *source, int fd)
{
    *source = (struct source){.fd = fd};
    buf_init(&source->text, SOURCE_MAX_BYTES);
}

int source_read(struct source *source)
{
    char chunk[16384];
    ssize_t n = read(source->fd, chunk, sizeof(chunk));
    if (n < 0) {
        return errno == EINTR || errno == EAGAIN ? 0 : -errno;
    }
    source->is_at_end = n == 0;
    buf_drop(&source->text, source->n_taken);
    source->n_taken = 0;
    buf_put(&source->text, chunk, (size_t)n);
    return source->text.failed ? -EMSGSIZE : 0;
}

static bool next_line(struct source *source, struct slice *out)
{
    struct slice rest = slice_from(buf_slice(&source->text), source->n_taken);
    size_t len = slice_find(rest, '\n');
    bool is_whole = len < rest.len;
    if (!is_whole && (!source->is_at_end || rest.len == 0)) {
        return false;
    }
    source->n_taken += is_whole ? len + 1 : len;
    if (len > 0 && rest.data[len - 1] == '\r') {
        len--;
    }
    *out = slice_make(rest.data, len);
    return true;
}

bool source_next(struct source *source, struct slice *out)
{
    if (source->fd >= 0) {
        return next_line(source, out);
    }
    if (source->n_repeats == 0) {
        return false;
    }
    source->n_repeats--;
    *out = buf_slice(&source->text);
    return true;
}

bool source_is_done(const struct source *source)
{
    return source->fd < 0 ? source->n_repeats == 0
                          : source->is_at_end && source->n_taken == source->text.len;
}

void source_finish(struct source *source)
{
    if (source != NULL) {
        buf_finish(&source->text);
        *source = (struct source){.fd = -1, .is_at_end = true};
    }
}
