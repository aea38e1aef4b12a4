/* Causal attention and its gradients: what attend in gpt.py does. training.c includes this once for each kind of processor.
 *
 * A head of a small model is so short that its keys, its values and some rows of its scores stay in the cache. So the
 * scores of some rows are made whole, used and forgotten, and only what a row may see is computed, but for the last
 * block. Of the forward pass a number for each row is kept (as in Dao et al. 2022, arXiv:2205.14135). */
#define head_at NAMED(head_at)
#define turning_of NAMED(turning_of)
#define fetch NAMED(fetch)
#define gather NAMED(gather)
#define gather_of NAMED(gather_of)
#define scatter NAMED(scatter)
#define scatter_of NAMED(scatter_of)
#define panels NAMED(panels)
#define slope NAMED(slope)
#define forward NAMED(forward)
#define backward NAMED(backward)

/* Where a head's tokens are. */
INLINE char *head_at(const Heads *heads, int half, int64_t text, int64_t head) {
    return (char *)heads->at + (text * heads->text + head * heads->head) * (half ? 2 : 4);
}

/* What will be read soon: a processor does not foresee rows that lie so far apart. */
INLINE void fetch(const char *x, int64_t bytes) {
    for (int64_t j = 0; j < bytes; j += 64) __builtin_prefetch(x + j);
}

/* The head's tokens (T, D), one behind the other, made ready by `how`. */
INLINE void gather_of(
    const Heads *from, int half, const Turning *how, int64_t text, int64_t head, int64_t length, int64_t size, float *to) {
    const char *x = head_at(from, half, text, head);
    const int64_t bytes = half ? 2 : 4, token = from->token * bytes;
    for (int64_t i = 0; i < length; i++, x += token) {
        fetch(x + AHEAD * token, size * bytes);
        turn_to(x, half, how, i, size, to + i * size);
    }
}

static void gather(
    const Heads *from, const Turning *how, int64_t text, int64_t head, int64_t length, int64_t size, float *to) {
    EITHER(gather_of, from, how, text, head, length, size, to);
}

/* Some tokens' gradients back to where those of the head are; `before` is where the head was made ready from. */
INLINE void scatter_of(
    const Heads *to, int half, const Heads *before, const Turning *how, int64_t text, int64_t head, int64_t begin,
    int64_t rows, int64_t size, float *from) {
    char *x = head_at(to, half, text, head), *its = head_at(before, half, text, head);
    const int64_t bytes = half ? 2 : 4;
    for (int64_t i = begin; i < begin + rows; i++)
        turn_back(its + i * before->token * bytes, half, how, i, size, from + (i - begin) * size, x + i * to->token * bytes);
}

static void scatter(
    const Heads *to, const Heads *before, const Turning *how, int64_t text, int64_t head, int64_t begin, int64_t rows,
    int64_t size, float *from) {
    EITHER(scatter_of, to, before, how, text, head, begin, rows, size, from);
}

/* Tokens (T, D) on their side, in panels (T / PANEL, D, PANEL); the last is filled up with zeros. */
INLINE void panels(const float *from, int64_t length, int64_t size, float *to) {
    EACH_PANEL(begin, columns, length) {
        float *panel = to + begin * size;
        turned(columns, size, from + begin * size, size, panel, PANEL);
        for (int64_t j = 0; j < size; j++) memset(panel + j * PANEL + columns, 0, (PANEL - columns) * sizeof *to);
    }
}

/* Scores of a row become probabilities again, and the slopes of those become the slopes of the scores. Their mean is taken
 * here and not from what came out, which may be rounded: so the slopes of a row sum up to nothing. */
INLINE void slope(float *row, float *slopes, int64_t wide, int64_t seen, float scale, float sum) {
    lanes parts = {0};
    for (int64_t j = 0; j < wide; j += LANES) {
        lanes *some = (lanes *)(row + j), *its = (lanes *)(slopes + j);
        const numbers chosen = below(j, seen);
        *some = (lanes)((numbers)exponential(*some * scale - sum) & chosen);
        *its = (lanes)((numbers)*its & chosen);
        parts += *some * *its;
    }
    const float mean = total(parts);
    for (int64_t j = 0; j < wide; j += LANES) {
        lanes *its = (lanes *)(slopes + j);
        *its = *(const lanes *)(row + j) * (*its - mean) * scale;
    }
}

/* How a head's queries or keys are made ready. */
INLINE Turning turning_of(const Attention *a, const float *weight, float *to_weight) {
    return (Turning){weight, a->cosines, a->sines, a->epsilon, to_weight};
}

/* A key-value head of a text and all heads that share it. */
static void forward(const Attention *a, int64_t text, int64_t kv_head, float *scratch) {
    const int64_t length = a->length, size = a->size, W = row_of(length), group = a->heads / a->kv_heads;
    const float scale = 1 / sqrtf((float)size);
    float *keys = scratch, *values = keys + size * W, *queries = values + size * W, *mixed = queries + size * W;
    float *scores = mixed + size * W;
    const Turning query = turning_of(a, a->query_norm, 0), key = turning_of(a, a->key_norm, 0), as_it_is = {0};
    gather(&a->keys, &key, text, kv_head, length, size, queries);
    panels(queries, length, size, keys);
    gather(&a->values, &as_it_is, text, kv_head, length, size, values);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
        gather(&a->queries, &query, text, head, length, size, queries);
        float *sums = a->sums + (text * a->heads + head) * length;
        EACH_BLOCK(begin, rows, length) {
            const int64_t seen = begin + rows, wide = (seen + LANES - 1) / LANES * LANES;
            EACH_PANEL(c, columns, wide)
                product(rows, columns, size, queries + begin * size, size, 1, keys + c * size, PANEL, scores + c, W, 0);
            for (int64_t i = 0; i < rows; i++)
                sums[begin + i] = softmax(scores + i * W, wide, begin + i + 1, scale);
            EACH_PANEL(c, columns, seen)
                product(rows, size, columns, scores + c, W, 1, values + c * size, size, mixed + begin * size, size, c > 0);
        }
        scatter(&a->mixed, &a->mixed, &as_it_is, text, head, 0, length, size, mixed);
    }
}

static void backward(const Attention *a, int64_t text, int64_t kv_head, float *scratch) {
    const int64_t length = a->length, size = a->size, W = row_of(length), group = a->heads / a->kv_heads;
    const float scale = 1 / sqrtf((float)size);
    float *keys = scratch, *key_panels = keys + size * W, *value_panels = key_panels + size * W;
    float *queries = value_panels + size * W, *slopes = queries + size * W;
    float *to_keys = slopes + size * W, *to_values = to_keys + size * W;
    float *scores = to_values + size * W, *to_scores = scores + BLOCK * W, *to_queries = to_scores + BLOCK * W;
    float *to_norms = a->to_norms + (text * a->kv_heads + kv_head) * 2 * size;
    const Turning query = turning_of(a, a->query_norm, to_norms), key = turning_of(a, a->key_norm, to_norms + size);
    const Turning as_it_is = {0};
    if (a->query_norm) memset(to_norms, 0, 2 * size * sizeof *to_norms);
    gather(&a->keys, &key, text, kv_head, length, size, keys);
    panels(keys, length, size, key_panels);
    gather(&a->values, &as_it_is, text, kv_head, length, size, to_values);
    panels(to_values, length, size, value_panels);
    memset(to_keys, 0, length * size * sizeof *to_keys);
    memset(to_values, 0, length * size * sizeof *to_values);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
        gather(&a->queries, &query, text, head, length, size, queries);
        gather(&a->slopes, &as_it_is, text, head, length, size, slopes);
        const float *sums = a->sums + (text * a->heads + head) * length;
        EACH_BLOCK(begin, rows, length) {
            const int64_t seen = begin + rows, wide = (seen + LANES - 1) / LANES * LANES;
            const float *its = slopes + begin * size, *some = queries + begin * size;
            EACH_PANEL(c, columns, wide) {
                product(rows, columns, size, some, size, 1, key_panels + c * size, PANEL, scores + c, W, 0);
                product(rows, columns, size, its, size, 1, value_panels + c * size, PANEL, to_scores + c, W, 0);
            }
            for (int64_t i = 0; i < rows; i++)
                slope(scores + i * W, to_scores + i * W, wide, begin + i + 1, scale, sums[begin + i]);
            EACH_PANEL(c, columns, seen) {
                product(rows, size, columns, to_scores + c, W, 1, keys + c * size, size, to_queries, size, c > 0);
                product(columns, size, rows, scores + c, 1, W, its, size, to_values + c * size, size, 1);
                product(columns, size, rows, to_scores + c, 1, W, some, size, to_keys + c * size, size, 1);
            }
            scatter(&a->to_queries, &a->queries, &query, text, head, begin, rows, size, to_queries);
        }
    }
    scatter(&a->to_keys, &a->keys, &key, text, kv_head, 0, length, size, to_keys);
    scatter(&a->to_values, &a->values, &as_it_is, text, kv_head, 0, length, size, to_values);
}
