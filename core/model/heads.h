/* Queries and keys on their way from a product to attention: each head normalised (Dehghani et al. 2023, arXiv:2302.05442)
 * and turned by its position (Su et al. 2021, arXiv:2104.09864), and the gradients. training.c includes this once for
 * each kind of processor. */
#define turn_heads NAMED(turn_heads)
#define turn_heads_of NAMED(turn_heads_of)
#define turn_back NAMED(turn_back)
#define turn_back_of NAMED(turn_back_of)

/* The heads of some tokens. */
INLINE void turn_heads_of(const Turned *o, int half, int64_t begin, int64_t end) {
    const int64_t size = o->size, middle = size / 2;
    for (int64_t i = begin * o->heads; i < end * o->heads; i++) {
        const int64_t token = i / o->heads, place = token % o->length * size, at = i * size;
        const int64_t from = token * o->row + i % o->heads * size;
        float factor = 1;
        if (o->weight) {
            lanes sum = {0};
            for (int64_t j = 0; j < size; j += LANES) sum += get(o->x, half, from + j) * get(o->x, half, from + j);
            factor = o->factors[i] = 1 / sqrtf(total(sum) / size + o->epsilon);
        }
        for (int64_t j = 0; j < middle; j += LANES) {
            lanes left = get(o->x, half, from + j) * factor, right = get(o->x, half, from + middle + j) * factor;
            if (o->weight) left *= *(const lanes *)(o->weight + j), right *= *(const lanes *)(o->weight + middle + j);
            const lanes cosine = *(const lanes *)(o->cosines + place + j), sine = *(const lanes *)(o->sines + place + middle + j);
            *(lanes *)(o->out + at + j) = left * cosine - right * sine;
            *(lanes *)(o->out + at + middle + j) = right * cosine + left * sine;
        }
    }
}

static void turn_heads(const Turned *o, int64_t begin, int64_t end) { EITHER(turn_heads_of, o, begin, end); }

/* The gradients of the heads of some tokens, and what they are together to the weights. */
INLINE void turn_back_of(const Turned *o, int half, int64_t begin, int64_t end, float *to_weight) {
    const int64_t size = o->size, middle = size / 2;
    if (o->weight) memset(to_weight, 0, size * sizeof *to_weight);
    for (int64_t i = begin * o->heads; i < end * o->heads; i++) {
        const int64_t token = i / o->heads, place = token % o->length * size, at = i * size;
        const int64_t from = token * o->row + i % o->heads * size;
        float back[WIDEST];
        for (int64_t j = 0; j < middle; j += LANES) {
            const lanes left = *(const lanes *)(o->slopes + at + j), right = *(const lanes *)(o->slopes + at + middle + j);
            const lanes cosine = *(const lanes *)(o->cosines + place + j), sine = *(const lanes *)(o->sines + place + middle + j);
            *(lanes *)(back + j) = left * cosine + right * sine;
            *(lanes *)(back + middle + j) = right * cosine - left * sine;
        }
        float factor = 1, less = 0;
        if (o->weight) {
            lanes sum = {0};
            factor = o->factors[i];
            for (int64_t j = 0; j < size; j += LANES) {
                const lanes part = get(o->x, half, from + j) * *(lanes *)(back + j);
                *(lanes *)(to_weight + j) += part * factor;
                *(lanes *)(back + j) *= *(const lanes *)(o->weight + j);
                sum += part * *(const lanes *)(o->weight + j);
            }
            less = total(sum) / size * factor * factor;
        }
        for (int64_t j = 0; j < size; j += LANES)
            put(o->to_x, half, from + j, (*(lanes *)(back + j) - get(o->x, half, from + j) * less) * factor);
    }
}

static void turn_back(const Turned *o, int64_t begin, int64_t end, float *to_weight) { EITHER(turn_back_of, o, begin, end, to_weight); }
