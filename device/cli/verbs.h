/*
 * The verbs, a file each.
 */
#ifndef DEVICE_CLI_VERBS_H
#define DEVICE_CLI_VERBS_H

#include "cli/cli.h"

extern const struct cli_verb verb_run;
extern const struct cli_verb verb_fleet;
extern const struct cli_verb verb_send;
extern const struct cli_verb verb_receive;
extern const struct cli_verb verb_upload;
extern const struct cli_verb verb_twin_get;
extern const struct cli_verb verb_twin_report;

#endif
