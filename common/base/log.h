/*
 * One line an event, to stderr: "2026-01-02T03:04:05.678Z info  message".
 *
 * Lower floors return, upper floors log.  A line names the device it speaks of and never holds
 * a key, a token or a payload.  Control characters in a line are written as \xNN, so a peer's
 * text cannot forge a second line.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/macros.h"

enum log_level {
    LOG_ERROR,
    LOG_WARNING,
    LOG_INFO,
    LOG_DEBUG,
    LOG_TRACE,
};

/* The one global: lines above this level are not written.  LOG_INFO at the start. */
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);

/* "error", "warning", "info", "debug", "trace"; false for anything else. */
MUST_CHECK bool log_level_parse(const char *text, enum log_level *out);

void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...)   log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)

/* The arguments of these two are not evaluated when the level is off. */
#define log_debug(...) \
    do { \
        if (log_is_on(LOG_DEBUG)) { \
            log_write(LOG_DEBUG, __VA_ARGS__); \
        } \
    } while (0)
#define log_trace(...) \
    do { \
        if (log_is_on(LOG_TRACE)) { \
            log_write(LOG_TRACE, __VA_ARGS__); \
        } \
    } while (0)

#endif
