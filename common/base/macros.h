/*
 * What the compiler is told beyond the language.
 */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

/* The result says whether it worked: it may not be dropped. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* printf-like: argument `fmt` is the format, its values start at `first`. */
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The structure that holds `member`, from a pointer to the member. */
#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
