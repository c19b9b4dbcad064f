/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PROGRAMS_H
#define SOTTO_NODE_PROGRAMS_H

/* node.yaml's key `learning`: what runs in a cage, and what is around it; what is kept of it. */

struct config_learning {
    char *python;       /* below /usr */
    char *fence;        /* sotto-fence */
    char *runner;       /* the script that trains */
    unsigned models_mb; /* of models after single rounds, of all tasks created here; 0: none */
};

#endif
