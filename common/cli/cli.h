/*
 * A command line as tables: options and verbs are rows, and help, parsing, environment
 * variables, configuration files and defaults all come from them.
 *
 * A value is looked for on the command line, then in the option's environment variable, then in
 * the configuration file, and else is the row's default.  Options may stand before or after the
 * verb and its arguments, as "--name value" or "--name=value"; "--" ends them.  Of an option
 * that is repeated the last value counts, but for a list.  Whether an option takes a value must
 * not differ between verbs, since words are told from values before the verb is known; a table
 * that contradicts itself ends the process at its first start.
 * A verb may have two words ("device create").  "help", "--help", "-h", "--version" and "-V"
 * are there without a row.
 *
 * Exit codes: 0 done, 1 it failed, 2 the command line (or the file) is wrong.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

enum {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_WRONG = 2,
};

enum cli_type {
    /* bool; "--name", "--no-name"; in variables and files true/false/1/0 */
    CLI_FLAG,
    /* char *, owned by the structure; NULL when nowhere given */
    CLI_TEXT,
    /* int64_t, between min and max; no bounds when both are 0 */
    CLI_NUMBER,
    /* int64_t milliseconds from a decimal number of seconds ("0.5"); min and max in ms */
    CLI_SECONDS,
    /* struct cli_list; one item each time it is typed, comma-separated in a variable or a
       default, an array in a file */
    CLI_LIST,
    /* int64_t index into the words of `argument`, "a|b|c" */
    CLI_CHOICE,
};

struct cli_list {
    char **items;
    size_t n_items;
};

struct cli_option {
    const char *name; /* without the dashes */
    char letter;      /* '\0', or the one-letter form */
    enum cli_type type;
    const char *argument; /* what stands for the value in the help: "PATH"; NULL for a flag */
    const char *variable; /* environment variable, an empty one is not set; NULL for none */
    const char *key;      /* member of the file, null is not set; NULL: not in the file */
    const char *standard; /* default as it would be typed; NULL: absent, 0 or false */
    const char *help;     /* one sentence, without a full stop */
    size_t offset;        /* of the member in the values structure; rows may share one */
    int64_t min;
    int64_t max;
};

struct cli_call;

struct cli_verb {
    const char *name;      /* "run", "device create" */
    const char *arguments; /* for the usage line: "DEVICE_ID [FILE]"; "" for none */
    size_t min_arguments;
    size_t max_arguments;
    const char *summary; /* one sentence for the list of verbs */
    /* Paragraphs for "VERB --help", which are wrapped; a line that begins with a blank, such as
       an example, is printed as it is.  NULL for none. */
    const char *details;
    const struct cli_option *options;
    size_t n_options;
    int (*run)(struct cli_call *call);
};

struct cli_program {
    const char *name;
    const char *version;
    const char *summary;
    const char *details;              /* at the end of "--help", like a verb's; NULL for none */
    const struct cli_option *options; /* every verb takes these */
    size_t n_options;
    const struct cli_verb *verbs;
    size_t n_verbs;
    const char *standard_verb; /* when none is typed; NULL: print the help and exit CLI_WRONG */
    size_t values_size;        /* of the structure that all offsets point into */
    /* Extra clean-up, may be NULL; texts and lists are freed by cli_main.  Also called when the
       command line was wrong and no verb ran. */
    void (*finish)(void *values);
};

struct cli_call {
    const struct cli_program *program;
    const struct cli_verb *verb;
    void *values;
    char **arguments; /* the verb's own */
    size_t n_arguments;
    int argc; /* the whole command line, for cli_read_file() */
    char **argv;
};

/*
 * Everything from argv to the exit code: help and version included.  CLI_FAILED when stdout
 * could not be written to the end, whatever the verb returned.
 */
int cli_main(const struct cli_program *program, int argc, char **argv);

/**
 * Read the options of a call again, now with a configuration file's values below the command
 * line and the variables.
 *
 * Members of the values structure that no option points to stay as they are; texts and lists of
 * options that were borrowed from it before are gone on success.
 * @param file   an object; members that are no option's key are left to the caller.
 * @param error  receives what is wrong: "mqttPort: expected a number from 0 to 65535".
 * @return false when a member has the wrong type or range; the values are then as before.
 */
MUST_CHECK bool cli_read_file(struct cli_call *call, const json_t *file, struct buf *error);

/*
 * One line to stderr, "name: message", for a verb that returns CLI_FAILED or CLI_WRONG. Control
 * characters in it become '?'.
 */
void cli_complain(const struct cli_call *call, const char *format, ...) PRINTF_LIKE(2, 3);

/* How results are shown: for a CLI_CHOICE option "table|json". */
enum cli_output {
    CLI_OUTPUT_TABLE,
    CLI_OUTPUT_JSON,
};

/*
 * A column shows the value at `path` ("authentication.type") of each row, or the row itself for
 * the path ""; absent and null are "-".
 */
struct cli_column {
    const char *title;
    const char *path;
};

/*
 * Rows as an aligned table: titles in capitals, two blanks between columns, numbers to the
 * right, containers as compact JSON, control characters as '?'.  Widths count code points.
 * @param rows  an array of objects; for an empty one only the titles are put.
 */
void cli_put_table(struct buf *out, const struct cli_column *columns, size_t n_columns,
                   const json_t *rows);

/* One object as "title  value" lines; the same columns. */
void cli_put_card(struct buf *out, const struct cli_column *columns, size_t n_columns,
                  const json_t *row);

/* Indented JSON with a final line feed. */
void cli_put_json(struct buf *out, const json_t *value);

#endif
