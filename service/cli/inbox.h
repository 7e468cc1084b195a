/*
 * What waits for the service: verbs that take it, whatever queue it is in.
 */
#ifndef SERVICE_CLI_INBOX_H
#define SERVICE_CLI_INBOX_H

#include <jansson.h>

#include "base/buf.h"
#include "service/cli/app.h"
#include "service/cli/columns.h"

struct inbox {
    /* A batch as a list or one object, with its lock token; both to be freed. */
    enum iothub_status (*receive)(struct iothub_service *service, char **out,
                                  char **lock_token);
    enum iothub_status (*complete)(struct iothub_service *service, const char *lock_token);
    enum iothub_status (*abandon)(struct iothub_service *service, const char *lock_token);
    const struct app_view *view;                              /* of the list */
    void (*put_line)(struct buf *line, const json_t *record); /* while watching */
};

/* Values of members with blanks between, for put_line. */
void inbox_put_members(struct buf *line, const json_t *record, const char *const *names,
                       size_t n);

/* Take the next batch, or with --abandon give it back; the verb's exit code. */
int inbox_receive(struct cli_call *call, const struct inbox *inbox);

/* Print what comes until --count, --for or Ctrl-C. */
int inbox_watch(struct cli_call *call, const struct inbox *inbox);

#endif
