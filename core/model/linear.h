/* Products of large matrices: what the linear maps of many tokens are, and their gradients. training.c includes this
 * once, for processors with vectors of 8 floats.
 *
 * The right side is copied once, in panels as wide as a tile of sums in registers; of the left side a block of rows and
 * a depth at a time, so that it stays in the second cache and a panel in the first (Goto and van de Geijn 2008,
 * doi:10.1145/1356052.1356053). Threads take blocks as they come: none waits for one whose core is shared.
 *
 * Of products behind each other that share their left side, or that add up to one matrix, a block is done for all at
 * once: of what is shared it is copied once, and what adds up is still in the cache. */

#define WIDE (VECTORS * LANES) /* columns of a tile */
#define DEEP 512               /* at most, of what is copied at once */
#define PART 16                /* of it, so that what is read stays in the first cache */
#define HIGH 96                /* rows of a block at most, and */
#define LOW 24                 /* at least: whole tiles */

/* Sums of ROWS rows and WIDE columns, of what was copied. */
static __attribute__((noinline)) void tile_of(
    int64_t depth, const float *left, const float *right, float *out, int64_t row, int add) {
    tile(ROWS, VECTORS, depth, left, 1, ROWS, right, WIDE, out, row, add);
}

/* Some of the depth of a copy, of whose (depth, length) numbers so many lie side by side: (length / wide, depth, wide).
 * The last is filled up with zeros. */
INLINE void copy(Numbers from, int64_t begin, int64_t end, int64_t depth, int64_t length, int wide, float *to) {
    for (int64_t j = 0; j < length; j += wide, to += depth * wide) {
        const float *some = from.at + j * from.column;
        const int64_t number = length - j < wide ? length - j : wide;
        int64_t k = begin;
        if (number == wide && from.column == 1)
            for (; k < end; k++) memcpy(to + k * wide, some + k * from.row, wide * sizeof *to);
        else if (number == wide && from.row == 1)
            for (; k + 4 <= end; k += 4) {
                int i = 0;
                for (; i + 4 <= wide; i += 4) turn(some + k + i * from.column, from.column, to + k * wide + i, wide);
                for (; i < wide; i++)
                    for (int64_t q = k; q < k + 4; q++) to[q * wide + i] = some[i * from.column + q];
            }
        for (; k < end; k++)
            for (int64_t i = 0; i < wide; i++) to[k * wide + i] = i < number ? some[k * from.row + i * from.column] : 0;
    }
}

static void copy_right(Numbers right, int64_t begin, int64_t end, int64_t depth, int64_t columns, float *to) {
    copy(right, begin, end, depth, columns, WIDE, to);
}

static void copy_left(Numbers left, int64_t begin, int64_t end, int64_t depth, int64_t rows, float *to) {
    copy((Numbers){left.at, left.column, left.row}, begin, end, depth, rows, ROWS, to);
}

/* A block of rows, of so great a depth, times all columns. */
static void panels_of(const Product *p, int64_t rows, int64_t depth, const float *left, const float *right, float *out, int add) {
    for (int64_t j = 0; j < p->columns; j += WIDE, right += depth * WIDE)
        for (int64_t i = 0; i < rows; i += ROWS) {
            const int64_t high = rows - i < ROWS ? rows - i : ROWS, wide = p->columns - j < WIDE ? p->columns - j : WIDE;
            float *to = out + i * p->row + j;
            if (high == ROWS && wide == WIDE) {
                tile_of(depth, left + i * depth, right, to, p->row, add);
                continue;
            }
            float some[ROWS * WIDE] = {0};
            if (add) /* to the same sums in the same order as in a whole tile */
                for (int64_t r = 0; r < high; r++) memcpy(some + r * WIDE, to + r * p->row, wide * sizeof *to);
            tile_of(depth, left + i * depth, right, some, WIDE, add);
            for (int64_t r = 0; r < high; r++) memcpy(to + r * p->row, some + r * WIDE, wide * sizeof *to);
        }
}

/* How many floats the copy of a product's right side has. */
static int64_t copy_size(const Product *p) { return (p->columns + WIDE - 1) / WIDE * WIDE * p->depth; }

INLINE Numbers part_of(Numbers all, int64_t row, int64_t column) {
    all.at += row * all.row + column * all.column;
    return all;
}

INLINE int same(Numbers a, Numbers b) { return a.at == b.at && a.row == b.row && a.column == b.column; }

/* How deep the copy is that begins there: the same for all but the last. */
static int64_t deep_at(int64_t depth, int64_t begin) {
    const int64_t copies = (depth + DEEP - 1) / DEEP, deep = ((depth + copies - 1) / copies + PART - 1) / PART * PART;
    return depth - begin < deep ? depth - begin : deep;
}

/* Whether a product's right side is the one of the product before it: then so is its copy. */
static int again(const Linear *l, int64_t i) { return i > 0 && same(l->products[i].right, l->products[i - 1].right); }

/* Where the copy of a product's right side is; of the one after the last: where the copies end. */
static float *copy_of(const Linear *l, int64_t product) {
    int64_t before = 0, own = 0;
    for (int64_t i = 0; i <= product; i++)
        if (i == l->number || !again(l, i)) {
            before += own;
            own = i < l->number ? copy_size(l->products + i) : 0;
        }
    return l->scratch + before;
}

static void copy_rights(const Linear *l) {
    for (int64_t i = 0; i < l->number; i++) {
        const Product *p = l->products + i;
        if (again(l, i)) continue;
        for (int64_t k = 0, depth; k < p->depth; k += depth) {
            depth = deep_at(p->depth, k);
            float *copy = copy_of(l, i) + copy_size(p) / p->depth * k;
#pragma omp for schedule(static) nowait
            for (int64_t begin = 0; begin < depth; begin += PART)
                copy_right(part_of(p->right, k, 0), begin, begin + PART < depth ? begin + PART : depth, depth, p->columns, copy);
        }
    }
#pragma omp barrier
}

/* A block of rows of some products. */
static void block_of(const Linear *l, int64_t first, int64_t last, int64_t begin, int64_t high, float *left) {
    for (int64_t next, i = first; i < last; i = next) {
        const Product *p = l->products + i;
        const int64_t rows = p->rows - begin < high ? p->rows - begin : high;
        for (next = i + 1; next < last && same(l->products[next].left, p->left);) next++;
        for (int64_t k = 0, depth; k < p->depth; k += depth) {
            depth = deep_at(p->depth, k);
            const int64_t part = p->left.column == 1 ? depth : PART;
            for (int64_t from = 0; from < depth; from += part)
                copy_left(part_of(p->left, begin, k), from, from + part < depth ? from + part : depth, depth, rows, left);
            for (int64_t j = i; j < next; j++) {
                const Product *its = l->products + j;
                const int add = l->add || k > 0 || (j > first && its->out == (its - 1)->out);
                const float *right = copy_of(l, j) + copy_size(its) / its->depth * k;
                panels_of(its, rows, depth, left, right, its->out + begin * its->row, add);
            }
        }
    }
}

static int64_t room_of(const Linear *l) { return copy_of(l, l->number) - l->scratch + l->threads * HIGH * DEEP; }

static void linear(const Linear *l) {
    const Product *p = l->products;
    const int together = l->number > 1 && (same(p->left, p[1].left) || p->out == p[1].out);
    int64_t all = 0, blocks = 0;
    for (int64_t i = 0; i < (together ? 1 : l->number); i++) all += p[i].rows;
    int64_t high = all / (2 * l->threads) / ROWS * ROWS;
    high = high < LOW ? LOW : high > HIGH ? HIGH : high;
    for (int64_t i = 0; i < (together ? 1 : l->number); i++) blocks += (p[i].rows + high - 1) / high;
#pragma omp parallel num_threads((int)l->threads)
    {
        float *left = copy_of(l, l->number) + omp_get_thread_num() * HIGH * DEEP;
        copy_rights(l);
#pragma omp for schedule(dynamic)
        for (int64_t block = 0; block < blocks; block++) {
            int64_t i = 0, begin = block * high;
            if (together) block_of(l, 0, l->number, begin, high, left);
            else {
                for (; begin >= p[i].rows; i++) begin -= (p[i].rows + high - 1) / high * high;
                block_of(l, i, i + 1, begin, high, left);
            }
        }
    }
}
