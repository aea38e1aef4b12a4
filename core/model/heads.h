/* Queries and keys on their way from a product to attention: a token of a head normalised (Dehghani et al. 2023,
 * arXiv:2302.05442) and turned by its position (Su et al. 2021, arXiv:2104.09864), and the gradients back. training.c includes
 * this once for each kind of processor. */
#define turn_to NAMED(turn_to)
#define turn_back NAMED(turn_back)
#define factor_of NAMED(factor_of)

/* What a token of a head is multiplied by to be normalised. */
INLINE float factor_of(const void *x, int half, float epsilon, int64_t size) {
    lanes sum = {0};
    for (int64_t j = 0; j < size; j += LANES) sum += get(x, half, j) * get(x, half, j);
    return 1 / sqrtf(total(sum) / size + epsilon);
}

/* A token of a head, in float32. */
INLINE void turn_to(const void *x, int half, const Turning *how, int64_t place, int64_t size, float *to) {
    const int64_t middle = size / 2;
    const float *weight = how->weight, factor = weight ? factor_of(x, half, how->epsilon, size) : 1;
    for (int64_t j = 0; j < size; j += LANES)
        *(lanes *)(to + j) = weight ? get(x, half, j) * factor * *(const lanes *)(weight + j) : get(x, half, j);
    if (!how->cosines) return;
    const float *cosines = how->cosines + place * size, *sines = how->sines + place * size + middle;
    for (int64_t j = 0; j < middle; j += LANES) {
        const lanes left = *(lanes *)(to + j), right = *(lanes *)(to + middle + j);
        const lanes cosine = *(const lanes *)(cosines + j), sine = *(const lanes *)(sines + j);
        *(lanes *)(to + j) = left * cosine - right * sine;
        *(lanes *)(to + middle + j) = right * cosine + left * sine;
    }
}

/* The gradients of a token of a head, from those of what was made of it, which are used up. */
INLINE void turn_back(const void *x, int half, const Turning *how, int64_t place, int64_t size, float *from, void *to) {
    const int64_t middle = size / 2;
    const float *weight = how->weight;
    if (how->cosines) {
        const float *cosines = how->cosines + place * size, *sines = how->sines + place * size + middle;
        for (int64_t j = 0; j < middle; j += LANES) {
            const lanes left = *(lanes *)(from + j), right = *(lanes *)(from + middle + j);
            const lanes cosine = *(const lanes *)(cosines + j), sine = *(const lanes *)(sines + j);
            *(lanes *)(from + j) = left * cosine + right * sine;
            *(lanes *)(from + middle + j) = right * cosine - left * sine;
        }
    }
    if (!weight) {
        for (int64_t j = 0; j < size; j += LANES) put(to, half, j, *(lanes *)(from + j));
        return;
    }
    const float factor = factor_of(x, half, how->epsilon, size);
    lanes sum = {0};
    for (int64_t j = 0; j < size; j += LANES) {
        const lanes part = get(x, half, j) * *(lanes *)(from + j);
        *(lanes *)(how->to_weight + j) += part * factor;
        *(lanes *)(from + j) *= *(const lanes *)(weight + j);
        sum += part * *(const lanes *)(weight + j);
    }
    const float less = total(sum) / size * factor * factor;
    for (int64_t j = 0; j < size; j += LANES)
        put(to, half, j, (*(lanes *)(from + j) - get(x, half, j) * less) * factor);
}
