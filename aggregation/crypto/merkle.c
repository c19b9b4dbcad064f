/* SPDX-License-Identifier: Apache-2.0 */

/* The Merkle tree by which a dealer commits to the shares that it dealt, and to their ciphertexts
 * [PROTOCOL.md, DEAL]. Leans on hash.c.
 *
 * The idea: one root of 32 bytes is signed and shown to everybody, and each holder gets a path to
 * its own pair of leaves and its ciphertext. A share that is not that of its leaf is the dealer's
 * lie, which its holder can prove, since the dealer signed the ciphertext with it; one that is, but
 * is of another secret, shows when the secret is put together. Leaves are salted, so that a leaf
 * hides its share whatever else becomes known of it.
 *
 * Leaves and nodes have labels of their own, so no node can be shown as a leaf. */

#include "crypto/crypto.h"

#include <sotto/alloc.h>
#include <string.h>

/* leaf(i, j, kind) [PROTOCOL.md, DEAL]. CT: in salt and share; all else is public. */
void sotto__share_leaf(uint8_t out[SOTTO__HASH_BYTES], const uint8_t session[SOTTO_SESSION_BYTES],
                       uint32_t dealer, uint32_t holder, enum sotto__share_kind kind,
                       const uint8_t salt[SOTTO__SALT_BYTES],
                       const uint8_t share[SOTTO__SCALAR_BYTES])
{
    struct sotto__hash hash;
    uint8_t kind_byte = (uint8_t)kind;
    sotto__hash_init(&hash, "sotto share");
    sotto__hash_bytes(&hash, session, SOTTO_SESSION_BYTES);
    sotto__hash_u32(&hash, dealer);
    sotto__hash_u32(&hash, holder);
    sotto__hash_bytes(&hash, &kind_byte, 1);
    sotto__hash_bytes(&hash, salt, SOTTO__SALT_BYTES);
    sotto__hash_bytes(&hash, share, SOTTO__SCALAR_BYTES);
    sotto__hash_final(&hash, out);
}

/* H("sotto node", left || right) [PROTOCOL.md, DEAL]. out may be one of the two. */
static void hash_node(uint8_t out[SOTTO__HASH_BYTES], const uint8_t left[SOTTO__HASH_BYTES],
                      const uint8_t right[SOTTO__HASH_BYTES])
{
    struct sotto__hash hash;
    sotto__hash_init(&hash, "sotto node");
    sotto__hash_bytes(&hash, left, SOTTO__HASH_BYTES);
    sotto__hash_bytes(&hash, right, SOTTO__HASH_BYTES);
    sotto__hash_final(&hash, out);
}

/* The least depth with 2^depth >= holders_len. */
uint32_t sotto__merkle_depth(uint32_t holders_len)
{
    uint32_t depth = 0;
    while ((UINT32_C(1) << depth) < holders_len) {
        depth++;
    }
    return depth;
}

static uint8_t *node_at(const struct sotto__merkle_tree *tree, uint32_t k)
{
    return tree->nodes + (size_t)k * SOTTO__HASH_BYTES;
}

enum sotto_status sotto__merkle_build(struct sotto__merkle_tree *out, const uint8_t *pairs,
                                      uint32_t holders_len)
{
    SOTTO_REQUIRE(holders_len > 0 && holders_len <= SOTTO_SESSION_PARTIES_MAX);
    struct sotto__merkle_tree tree = {.pairs = UINT32_C(1) << sotto__merkle_depth(holders_len)};
    /* Heap order: pairs .. 2 pairs - 1 are the pairs themselves. */
    tree.nodes = sotto_alloc_array((size_t)2 * tree.pairs, SOTTO__HASH_BYTES);
    if (tree.nodes == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    /* Holders that are not there have zeros, which are no hash of anything. */
    memcpy(node_at(&tree, tree.pairs), pairs, (size_t)holders_len * SOTTO__HASH_BYTES);
    for (uint32_t k = tree.pairs - 1; k >= 1; k--) {
        hash_node(node_at(&tree, k), node_at(&tree, 2 * k), node_at(&tree, 2 * k + 1));
    }
    *out = tree;
    return SOTTO_OK;
}

void sotto__merkle_release(struct sotto__merkle_tree *tree)
{
    sotto_free(tree->nodes);
    *tree = (struct sotto__merkle_tree){0};
}

const uint8_t *sotto__merkle_root(const struct sotto__merkle_tree *tree)
{
    return node_at(tree, 1);
}

/* From the pair up: the parent of node k is k / 2, and beside it is k ^ 1. */
void sotto__merkle_path(const struct sotto__merkle_tree *tree, uint8_t *out, uint32_t holder)
{
    for (uint32_t k = tree->pairs + holder; k > 1; k /= 2) {
        memcpy(out, node_at(tree, k ^ 1), SOTTO__HASH_BYTES);
        out += SOTTO__HASH_BYTES;
    }
}

/* Variable-time: roots, pairs and paths go through the aggregator, so they are public. The bits of
 * holder say on which side the way goes up. */
bool sotto__merkle_check(const uint8_t root[SOTTO__HASH_BYTES],
                         const uint8_t pair[SOTTO__HASH_BYTES], const uint8_t *path,
                         uint32_t holder, uint32_t holders_len)
{
    uint8_t node[SOTTO__HASH_BYTES];
    uint32_t depth = sotto__merkle_depth(holders_len);
    memcpy(node, pair, sizeof node);
    for (uint32_t level = 0; level < depth; level++) {
        const uint8_t *beside = path + (size_t)level * SOTTO__HASH_BYTES;
        bool is_right = ((holder >> level) & 1) != 0;
        hash_node(node, is_right ? beside : node, is_right ? node : beside);
    }
    return memcmp(node, root, SOTTO__HASH_BYTES) == 0;
}
