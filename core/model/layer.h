/* A layer in training, all of it in one call forward and one back: its norms, attention, gated MLP, what is added to the
 * stream, and its linear maps, in float32 by a library's product or by linear.h, in bfloat16 by tiles.h. Where the parts of a
 * small one are called one by one, the calls take as long as what they do. training.c includes this last. */

/* A linear map, or several of the same input side by side. */
typedef struct {
    int64_t number, inputs, outputs;
    const float *weights[3];
    int64_t rows[3];
    float *together; /* (outputs, inputs): the weights of several, for a library; or none */
} Map;

/* Memory that is handed out piece by piece. */
typedef struct {
    char *at;
    int64_t used;
} Room;

static void *hand_out(Room *room, int64_t bytes) {
    void *found = room->at ? room->at + room->used : 0;
    room->used += (bytes + 63) / 64 * 64;
    return found;
}

/* What is kept from the way forward for the way back. */
typedef struct {
    float *factors, *sums, *middle, *factors_again;
    void *normed, *joint, *mixed, *again, *gated, *inner;
    Map to_heads, from_heads, to_inner, from_inner;
} Between;

static int64_t rows_of(const Layer *l) { return l->texts * l->length; }

static Between between(const Layer *l, Room *room) {
    const int64_t rows = rows_of(l), bytes = l->half ? 2 : 4, width = l->width, inner = l->inner;
    const int64_t queries = l->heads * l->size, keys = l->kv_heads * l->size;
    Between b = {
        .to_heads = {3, width, queries + 2 * keys, {l->queries, l->keys, l->values}, {queries, keys, keys}},
        .from_heads = {1, queries, width, {l->output}, {width}},
        .to_inner = {2, width, 2 * inner, {l->gate, l->up}, {inner, inner}},
        .from_inner = {1, inner, width, {l->down}, {width}},
    };
    b.factors = hand_out(room, rows * sizeof(float));
    b.normed = hand_out(room, rows * width * bytes);
    b.joint = hand_out(room, rows * b.to_heads.outputs * bytes);
    b.sums = hand_out(room, rows * l->heads * sizeof(float));
    b.mixed = hand_out(room, rows * queries * bytes);
    b.middle = hand_out(room, rows * width * sizeof(float));
    b.factors_again = hand_out(room, rows * sizeof(float));
    b.again = hand_out(room, rows * width * bytes);
    b.gated = hand_out(room, rows * 2 * inner * bytes);
    b.inner = hand_out(room, rows * inner * bytes);
    if (l->library) {
        b.to_heads.together = hand_out(room, b.to_heads.outputs * width * sizeof(float));
        b.to_inner.together = hand_out(room, b.to_inner.outputs * width * sizeof(float));
    }
    return b;
}

/* The products of a map by linear.h: what comes out (`out`), or the gradients of what went in or of the weights. */
typedef enum { OUT, TO_IN, TO_WEIGHTS } Which;

static void products_of(
    const Layer *l, const Map *m, Which which, const float *x, const float *slopes, float *to, Product *products) {
    const int64_t rows = rows_of(l), inputs = m->inputs, outputs = m->outputs;
    for (int64_t i = 0, column = 0; i < m->number; column += m->rows[i], i++) {
        const Numbers weights = {m->weights[i], inputs, 1}, turned = {m->weights[i], 1, inputs}, in = {x, inputs, 1};
        const Numbers its = {slopes + column, outputs, 1}, its_turned = {slopes + column, 1, outputs};
        if (which == OUT) products[i] = (Product){in, turned, to + column, outputs, rows, m->rows[i], inputs};
        else if (which == TO_IN) products[i] = (Product){its, weights, to, inputs, rows, inputs, m->rows[i]};
        else products[i] = (Product){its_turned, in, to + column * inputs, inputs, m->rows[i], inputs, rows};
    }
}

static void by_own(const Layer *l, const Map *m, Which which, const float *x, const float *slopes, float *to, void *scratch) {
    Product products[3];
    products_of(l, m, which, x, slopes, to, products);
    newleaf_linear(&(Linear){products, m->number, l->threads, 0, scratch}, newleaf_training_lanes());
}

/* a (rows, depth) times b (depth, columns), each turned if that is said, as it lies then. */
static void by_library(
    const Layer *l, const float *a, int turn_a, const float *b, int turn_b, int64_t rows, int64_t columns, int64_t depth,
    float *c) {
    const float one = 1, none = 0; /* a library's matrices are turned: columns are side by side */
    const int64_t a_row = turn_a ? rows : depth, b_row = turn_b ? depth : columns;
    l->library(turn_b ? "T" : "N", turn_a ? "T" : "N", &columns, &rows, &depth, &one, b, &b_row, a, &a_row, &none, c, &columns);
}

static const float *weights_of(const Map *m) { return m->number > 1 ? m->together : m->weights[0]; }

/* The weights of several maps, one behind the other. */
static void put_together(const Layer *l, const Map *m) {
    if (m->number < 2) return;
#pragma omp parallel num_threads((int)l->threads)
    for (int64_t i = 0, begin = 0; i < m->number; begin += m->rows[i], i++) {
#pragma omp for schedule(static) nowait
        for (int64_t row = 0; row < m->rows[i]; row++)
            memcpy(m->together + (begin + row) * m->inputs, m->weights[i] + row * m->inputs, m->inputs * sizeof(float));
    }
}

/* A map, or (`back`) the gradients of what went into it, by tiles. */
static void by_tiles(const Layer *l, const Map *m, int back, const uint16_t *in, uint16_t *out, void *scratch) {
    const int64_t rows = rows_of(l), columns = back ? m->inputs : m->outputs, deep = (back ? m->outputs : m->inputs) / 32;
    const int64_t most = rows / (2 * l->threads * 32), each = 32 * (most < 1 ? 1 : most > BLOCKS ? BLOCKS : most);
    Tile *laid = scratch;
    uint16_t *spare = (uint16_t *)scratch + m->inputs * m->outputs;
#pragma omp parallel num_threads((int)l->threads)
    {
        TileConfig before;
        for (int64_t i = 0, begin = 0; i < m->number; begin += m->rows[i] / 32, i++) {
#pragma omp for schedule(static) nowait
            for (int64_t chunk = 0; chunk < m->rows[i] / 32; chunk++)
                lay_weights(m->weights[i], m->inputs, chunk, begin, deep, back, laid);
        }
#pragma omp barrier
        enter_tiles(&before);
#pragma omp for schedule(static)
        for (int64_t row = 0; row < rows; row += each) {
            const int64_t some = rows - row < each ? rows - row : each;
            map_rows(
                in + row * deep * 32, some, laid, deep, columns, out + row * columns,
                spare + omp_get_thread_num() * 32 * (m->inputs + m->outputs));
        }
        leave_tiles(&before);
    }
}

/* How many bytes of scratch a map needs, and its gradients. */
static int64_t map_room(const Layer *l, const Map *m) {
    const int64_t size = m->inputs * m->outputs, outer = newleaf_outer_room(m->outputs, m->inputs) * 4;
    if (l->library) return 0;
    if (l->half) {
        const int64_t tiles = 2 * (size + l->threads * 32 * (m->inputs + m->outputs));
        return tiles > outer ? tiles : outer;
    }
    int64_t most = 0;
    for (Which which = OUT; which <= TO_WEIGHTS; which++) {
        Product products[3];
        products_of(l, m, which, 0, 0, 0, products);
        const Linear its = {products, m->number, l->threads};
        const int64_t room = newleaf_linear_room(&its, newleaf_training_lanes()) * sizeof(float);
        most = room > most ? room : most;
    }
    return most;
}

static void map(const Layer *l, const Map *m, const void *in, void *out, void *scratch) {
    if (l->half) by_tiles(l, m, 0, in, out, scratch);
    else if (!l->library) by_own(l, m, OUT, in, 0, out, scratch);
    else {
        put_together(l, m);
        by_library(l, in, 0, weights_of(m), 1, rows_of(l), m->outputs, m->inputs, out);
    }
}

/* The gradients of what went in, and of the weights, if they are wanted, from those of what came out. */
static void map_back(
    const Layer *l, const Map *m, const void *in, const void *slopes, void *to_in, float *to_weights, void *scratch) {
    const int64_t rows = rows_of(l);
    if (l->half) {
        by_tiles(l, m, 1, slopes, to_in, scratch);
        if (to_weights)
            newleaf_outer(
                &(Outer){rows, m->outputs, m->inputs, l->threads, slopes, in, m->outputs, m->inputs, m->inputs, to_weights,
                    0, scratch}, 16);
    } else if (!l->library) {
        by_own(l, m, TO_IN, in, slopes, to_in, scratch);
        if (to_weights) by_own(l, m, TO_WEIGHTS, in, slopes, to_weights, scratch);
    } else {
        by_library(l, slopes, 0, weights_of(m), 0, rows, m->inputs, m->outputs, to_in);
        if (to_weights) by_library(l, slopes, 1, in, 0, m->outputs, m->inputs, rows, to_weights);
    }
}

/* What other passes are told of the layer. */
static Norm norm_of(const Layer *l, const float *x, const float *weight, float *factors) {
    return (Norm){.rows = rows_of(l), .width = l->width, .threads = l->threads, .together = l->together, .half = l->half,
        .epsilon = l->epsilon, .x = x, .weight = weight, .factors = factors};
}

static Heads heads_of(const Layer *l, const void *at, int64_t column, int64_t width) {
    return (Heads){(char *)at + column * (l->half ? 2 : 4), l->length * width, l->size, width, l->half};
}

static Attention attention_of(const Layer *l, const Between *b, void *scratch) {
    const int64_t width = b->to_heads.outputs, queries = l->heads * l->size, keys = l->kv_heads * l->size;
    return (Attention){.texts = l->texts, .heads = l->heads, .kv_heads = l->kv_heads, .length = l->length, .size = l->size,
        .threads = l->threads, .tiles = l->half, .queries = heads_of(l, b->joint, 0, width),
        .keys = heads_of(l, b->joint, queries, width), .values = heads_of(l, b->joint, queries + keys, width),
        .query_norm = l->query_norm, .key_norm = l->key_norm, .cosines = l->cosines, .sines = l->sines,
        .epsilon = l->epsilon, .sums = b->sums, .scratch = scratch, .room = newleaf_attention_room(l->length, l->size)};
}

static Gated gated_of_layer(const Layer *l, const void *gate) {
    return (Gated){.rows = rows_of(l), .width = l->inner, .threads = l->threads, .half = l->half, .gate = gate,
        .up = (const char *)gate + l->inner * (l->half ? 2 : 4)};
}

/* What attention (0) or the MLP (1) adds, and to what. */
static Stream stream_of(const Layer *l, int which, const float *x, void *added, float *sum) {
    const float *kept = l->kept ? l->kept + which * l->width : 0;
    return (Stream){rows_of(l), l->width, l->threads, l->half, l->length, kept, l->kept_text, x, added, sum};
}

static void stream_sum(Stream o, int lanes) {
#pragma omp parallel for num_threads((int)o.threads) schedule(static)
    for (int64_t i = 0; i < o.rows; i++) (lanes == 16 ? sum_row_avx512 : sum_row_avx2)(&o, i);
}

static void stream_slopes(Stream o, int lanes) {
#pragma omp parallel for num_threads((int)o.threads) schedule(static)
    for (int64_t i = 0; i < o.rows; i++) (lanes == 16 ? slopes_row_avx512 : slopes_row_avx2)(&o, i);
}

/* What both ways use and forget. */
typedef struct {
    void *added, *wide, *narrow; /* (N, C), (N, 2 I or what goes to the heads), (N, the widest that goes into a map) */
    float *to_middle, *to_norm, *attention, *to_head_norms;
    void *map;
} Scratch;

static int64_t larger_of(int64_t a, int64_t b) { return a > b ? a : b; }

static Scratch scratch_of(const Layer *l, int back, Room *room) {
    Room none = {0};
    const Between b = between(l, &none);
    const int64_t rows = rows_of(l), bytes = l->half ? 2 : 4, parts = (rows + l->together - 1) / l->together;
    int64_t map = larger_of(map_room(l, &b.to_heads), map_room(l, &b.from_heads));
    map = larger_of(map, larger_of(map_room(l, &b.to_inner), map_room(l, &b.from_inner)));
    Scratch s = {.added = hand_out(room, rows * l->width * bytes), .map = hand_out(room, map)};
    s.attention = hand_out(room, l->threads * newleaf_attention_room(l->length, l->size) * sizeof(float));
    if (!back) return s;
    s.wide = hand_out(room, rows * larger_of(b.to_inner.outputs, b.to_heads.outputs) * bytes);
    s.narrow = hand_out(room, rows * larger_of(larger_of(l->inner, l->width), b.from_heads.inputs) * bytes);
    s.to_middle = hand_out(room, rows * l->width * sizeof(float));
    s.to_norm = hand_out(room, parts * l->width * sizeof(float));
    s.to_head_norms = hand_out(room, l->texts * l->kv_heads * 2 * l->size * sizeof(float));
    return s;
}

int64_t newleaf_layer_room(const Layer *l) {
    Room room = {0};
    between(l, &room);
    return room.used;
}

int64_t newleaf_layer_scratch(const Layer *l, int back) {
    Room room = {0};
    scratch_of(l, back, &room);
    return room.used;
}

void newleaf_layer(const Layer *l, int lanes) {
    Room room = {l->room}, more = {l->scratch};
    const Between b = between(l, &room);
    const Scratch s = scratch_of(l, 0, &more);

    Norm first = norm_of(l, l->x, l->first_norm, b.factors);
    first.out = b.normed;
    newleaf_norm(&first, lanes);
    map(l, &b.to_heads, b.normed, b.joint, s.map);
    Attention attention = attention_of(l, &b, s.attention);
    attention.mixed = heads_of(l, b.mixed, 0, b.from_heads.inputs);
    newleaf_attention_forward(&attention, lanes);
    map(l, &b.from_heads, b.mixed, s.added, s.map);

    if (l->kept) stream_sum(stream_of(l, 0, 0, s.added, 0), lanes);
    Norm second = norm_of(l, l->x, l->second_norm, b.factors_again);
    second.added = s.added;
    second.sum = b.middle;
    second.out = b.again;
    newleaf_norm(&second, lanes);
    map(l, &b.to_inner, b.again, b.gated, s.map);
    Gated gates = gated_of_layer(l, b.gated);
    gates.out = b.inner;
    newleaf_gated(&gates, lanes);
    map(l, &b.from_inner, b.inner, s.added, s.map);
    stream_sum(stream_of(l, 1, b.middle, s.added, l->out), lanes);
}

void newleaf_layer_backward(const Layer *l, int lanes) {
    Room room = {l->room}, more = {l->scratch};
    const Between b = between(l, &room);
    const Scratch s = scratch_of(l, 1, &more);
    const int direct = !l->half && !l->kept; /* the slopes of the sum are those of what was added, as they lie */
    const int64_t line = l->width * sizeof(float);

    if (!direct) stream_slopes(stream_of(l, 1, l->slopes, s.added, 0), lanes);
    map_back(l, &b.from_inner, b.inner, direct ? l->slopes : s.added, s.narrow, l->to_down, s.map);
    Gated gates = gated_of_layer(l, b.gated), its = gated_of_layer(l, s.wide);
    gates.slopes = s.narrow;
    gates.to_gate = (void *)its.gate;
    gates.to_up = (void *)its.up;
    newleaf_gated_backward(&gates, lanes);
    map_back(l, &b.to_inner, b.again, s.wide, s.narrow, l->to_inner, s.map);
    Norm second = norm_of(l, b.middle, l->second_norm, b.factors_again);
    second.slopes = s.narrow;
    second.to_sum = l->slopes;
    second.to_x = s.to_middle;
    second.to_added = l->half ? s.added : 0;
    second.to_weight = s.to_norm;
    newleaf_norm_backward(&second, lanes);
    memcpy(l->to_second_norm, s.to_norm, line);

    void *to_added = direct ? (void *)s.to_middle : s.added;
    if (l->kept) stream_slopes(stream_of(l, 0, s.to_middle, s.added, 0), lanes);
    map_back(l, &b.from_heads, b.mixed, to_added, s.narrow, l->to_output, s.map);
    Attention attention = attention_of(l, &b, s.attention);
    attention.slopes = heads_of(l, s.narrow, 0, b.from_heads.inputs);
    const int64_t width = b.to_heads.outputs, queries = l->heads * l->size, keys = l->kv_heads * l->size;
    attention.to_queries = heads_of(l, s.wide, 0, width);
    attention.to_keys = heads_of(l, s.wide, queries, width);
    attention.to_values = heads_of(l, s.wide, queries + keys, width);
    attention.to_norms = s.to_head_norms;
    newleaf_attention_backward(&attention, lanes);
    if (l->query_norm) memcpy(l->to_head_norms, s.to_head_norms, 2 * l->size * sizeof(float));
    map_back(l, &b.to_heads, b.normed, s.wide, s.narrow, l->to_heads, s.map);
    Norm first = norm_of(l, l->x, l->first_norm, b.factors);
    first.slopes = s.narrow;
    first.to_sum = s.to_middle;
    first.to_x = l->to_x;
    first.to_weight = s.to_norm;
    newleaf_norm_backward(&first, lanes);
    memcpy(l->to_first_norm, s.to_norm, line);
}
