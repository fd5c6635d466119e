/* The order saga: two orders, one product of which there is one piece.
 *
 * What is modelled: the databases of the order and the stock service, each change with its outbox
 * row and inbox row in one transaction; relays; a broker that loses connections, repeats and
 * reorders; the four queues between the two services; cancellation by the customer.
 *
 * A process may crash, and a connection be lost, at every step. Only durable state survives. Where
 * nothing durable changes between two steps they are one here: a crash between them leaves what a
 * crash before them leaves. For the same reason a batch is one message (a crash after the commit of
 * one and before its acknowledgement brings it again, and so does one after the commit of many),
 * and a copy of a process is nothing new: row locks and the uniqueness of the inbox make
 * transactions atomic, which they are here anyway.
 *
 * -DREPEATS: one event is sent again under a new id. -DLOSS: the broker confirms an event or an
 * answer of order 0 and loses it, and the watch over stuck orders asks again. -DREACH=<end>: fails
 * when a run can end that way, to show that the model gets there. All the other names take one
 * guard away, and must fail; tests/model/test_model.py has the list. */

#ifndef FAULTS
#define FAULTS 2 /* crashes, lost connections and failing handlers in a run, wherever they hurt */
#endif
#ifndef SLOTS
#define SLOTS 3 /* of a queue: messages that are ready or not acknowledged */
#endif
#define STOCKED 1

/* A message: its order in bit 0; bit 1: sent again under a new id; bit 2: its second attempt, the
 * last one here (the code has three, which adds nothing but states). */
#define ORDER(m) ((m) & 1)
#define ID(m) ((m) & 3)
#define REPEATED 2
#define RETRIED 4

mtype = { none, holds, refusal, released, tombstone }; /* of a reservation */
mtype = { unplaced, placed, confirmed, withdrawn };    /* of an order */
mtype = { created, cancelled, taken, refused };        /* events */

/* ---- the order service's database ---- */
mtype status[2] = unplaced;
chan order_outbox = [6] of { mtype, byte };

/* ---- the stock service's database ---- */
byte on_hand = STOCKED;
mtype reservation[2] = none;
byte took[2];  /* the ledger: what each order took, */
byte given[2]; /* and gave back */
chan stock_outbox = [6] of { mtype, byte };

/* ---- inboxes of both: which events each of the four consumers has recorded ---- */
bit inbox[16];
#define INBOX(event, m) inbox[(created - (event)) * 4 + ID(m)]

/* ---- the broker: a delivery stays in its queue until it is acknowledged ---- */
chan created_queue = [SLOTS] of { byte };
chan cancelled_queue = [SLOTS] of { byte };
chan taken_queue = [SLOTS] of { byte };
chan refused_queue = [SLOTS] of { byte };
bit bound; /* the queues exist: they are made some time after the relays start */

byte faults = FAULTS;
#ifdef LOSS
byte losses = 1;
#endif

inline crash()
{
    atomic { faults > 0 -> faults-- }
}

/* ---- the invariants ---- */

#define FINAL(o) (status[o] == confirmed || status[o] == withdrawn)
#define HELD(o) (took[o] - given[o])
#define KEPT(o) (status[o] == confirmed && HELD(o) == 1 || status[o] == withdrawn && HELD(o) == 0)

/* Ends that -DREACH can ask for. */
#define CONFIRMED_ONE (status[0] == confirmed)
#define REFUSED_ONE (reservation[1] == refusal && status[1] == withdrawn)
#define GIVEN_ON (given[0] == 1 && status[1] == confirmed)
#define OVERTAKEN (reservation[0] == tombstone && faults == 0)
#define GIVEN_UP (reservation[0] == refusal && took[1] == 0)

/* I3, and the first half of I4: nothing is given back twice. */
inline check_stock()
{
    assert(on_hand <= STOCKED);
    assert(on_hand + HELD(0) + HELD(1) == STOCKED);
    assert(took[0] <= 1 && took[1] <= 1);
    assert(given[0] <= took[0] && given[1] <= took[1])
}

/* I2. An order leaves its end in one way only: a customer cancels what is confirmed. */
inline move(o, to, by_customer)
{
    assert(status[o] == placed || status[o] == confirmed && by_customer);
    status[o] = to
}

/* ---- the order service's transactions ---- */

inline place(o)
{
    status[o] = placed;
    order_outbox!!created, o
}

inline cancel(o)
{
    if
    :: status[o] == placed || status[o] == confirmed ->
        move(o, withdrawn, true);
        order_outbox!!cancelled, o
    :: else
    fi
}

inline settle(o, to)
{
    if
#ifndef NO_STATUS_GUARD
    :: status[o] != placed
#endif
    :: else ->
        move(o, to, false);
        if
        :: to == withdrawn -> order_outbox!!cancelled, o
        :: else
        fi
    fi
}

/* ---- the stock service's transactions ---- */

/* Who asks again gets the same answer, unless the order was cancelled since. */
inline take(m)
{
    if
#ifndef NO_RESERVATION
    :: reservation[ORDER(m)] == released || reservation[ORDER(m)] == tombstone
#ifdef NO_ANSWER_AGAIN
    :: reservation[ORDER(m)] == holds || reservation[ORDER(m)] == refusal
#else
    :: reservation[ORDER(m)] == holds -> stock_outbox!!taken, ID(m)
    :: reservation[ORDER(m)] == refusal -> stock_outbox!!refused, ID(m)
#endif
#endif
    :: else ->
        if
        :: on_hand > 0 ->
            reservation[ORDER(m)] = holds;
            on_hand--;
            took[ORDER(m)]++;
            stock_outbox!!taken, ID(m)
        :: else ->
            reservation[ORDER(m)] = refusal;
            stock_outbox!!refused, ID(m)
        fi
    fi
}

inline give_up(m)
{
    if
    :: reservation[ORDER(m)] != none
    :: else ->
        reservation[ORDER(m)] = refusal;
#ifndef SILENT_DEAD_LETTER
        stock_outbox!!refused, ID(m);
#endif
        INBOX(created, m) = 1
    fi
}

/* What the order took is in the ledger. */
inline release(m)
{
    if
#ifndef NO_TOMBSTONE
    :: reservation[ORDER(m)] == none -> reservation[ORDER(m)] = tombstone
#endif
#ifndef NO_RELEASE_GUARD
    :: reservation[ORDER(m)] != none && reservation[ORDER(m)] != holds
#endif
    :: else ->
        reservation[ORDER(m)] = (reservation[ORDER(m)] == holds -> released : reservation[ORDER(m)]);
        on_hand = on_hand + took[ORDER(m)];
        given[ORDER(m)] = given[ORDER(m)] + took[ORDER(m)]
    fi
}

/* ---- consumers ---- */

inline handle(event, m)
{
    if
    :: event == created -> take(m); check_stock()
#ifdef NO_COMPENSATION
    :: event == cancelled
#else
    :: event == cancelled -> release(m); check_stock()
#endif
    :: event == taken -> settle(ORDER(m), confirmed)
    :: event == refused -> settle(ORDER(m), withdrawn)
    fi
}

/* The transaction of a delivery. */
inline consume(event, m)
{
    if
#ifndef NO_INBOX
    :: INBOX(event, m)
#endif
    :: else ->
#ifndef GUARDS_ALONE
        assert(!INBOX(event, m)); /* I6: an event takes effect once */
#endif
        INBOX(event, m) = 1;
        handle(event, m)
    fi
}

/* The handler fails: another attempt, or the end, in a transaction of its own. */
inline fail(m)
{
    if
    :: INBOX(created, m)
    :: !INBOX(created, m) && m < RETRIED -> stock_outbox!!created, m + RETRIED
    :: !INBOX(created, m) && m >= RETRIED -> give_up(m)
    fi
}

/* Any message of the queue may be next. */
inline pick(queue, m)
{
    if
    :: queue??[0] -> m = 0
    :: queue??[1] -> m = 1
    :: queue??[2] -> m = 2
    :: queue??[3] -> m = 3
    :: queue??[4] -> m = 4
    :: queue??[5] -> m = 5
    :: queue??[6] -> m = 6
    :: queue??[7] -> m = 7
    fi
}

#if defined(ACK_BEFORE_COMMIT)
#define TAKE_IN atomic { pick(queue, m); queue??eval(m) }
#define FINISH atomic { consume(event, m) }
#elif defined(INBOX_APART)
#define TAKE_IN atomic { pick(queue, m); fresh = !INBOX(event, m); INBOX(event, m) = 1 }
#define FINISH atomic { if :: fresh -> handle(event, m) :: else fi; queue??eval(m) }
#else
#define TAKE_IN                                                                                    \
    atomic {                                                                                       \
        pick(queue, m);                                                                            \
        if                                                                                         \
        :: consume(event, m)                                                                       \
        :: event == created && faults > 0 -> faults--; fail(m)                                     \
        fi                                                                                         \
    }
#define FINISH atomic { queue??eval(m) }
#endif

/* Receive and commit, then acknowledge. A commit whose answer was lost is run again: as a crash. */
proctype lane(mtype event; chan queue)
{
    byte m;
    bit fresh;
end:
    do
    :: TAKE_IN;
        if
        :: crash()
        :: FINISH
        fi
    od
}

/* ---- relays ---- */

inline publish(event, m)
{
    if
#ifdef LOSS
    :: losses > 0 && event != cancelled && m == 0 -> losses--
#endif
    :: event == created -> created_queue!!m
    :: event == cancelled -> cancelled_queue!!m
    :: event == taken -> taken_queue!!m
    :: event == refused -> refused_queue!!m
    fi
}

#if defined(DELETE_BEFORE_CONFIRM)
#define SEND atomic { bound && outbox?[event, m] -> outbox?event, m }
#define CONFIRMED atomic { publish(event, m) }
#elif defined(NO_MANDATORY)
#define SEND                                                                                       \
    atomic {                                                                                       \
        outbox?[event, m] -> outbox?<event, m>;                                                    \
        if :: bound -> publish(event, m) :: else fi                                                \
    }
#elif defined(WATERMARK)
/* Order 1 drew its row's id before order 0 did, and committed after it. */
#define SEND                                                                                       \
    atomic {                                                                                       \
        bound && outbox?[event, m] -> outbox?<event, m>;                                           \
        if                                                                                         \
        :: event == created && m < RETRIED && 2 - ORDER(m) <= mark                                 \
        :: event == created && m < RETRIED && 2 - ORDER(m) > mark ->                               \
            mark = 2 - ORDER(m); publish(event, m)                                                 \
        :: event != created || m >= RETRIED -> publish(event, m)                                   \
        fi                                                                                         \
    }
#else
#define SEND atomic { bound && outbox?[event, m] -> outbox?<event, m>; publish(event, m) }
#endif
#ifndef CONFIRMED
#define CONFIRMED atomic { outbox??eval(event), eval(m) }
#endif

/* Publish, then delete when it is confirmed. A message that no queue takes stays in the outbox. */
proctype relay(chan outbox)
{
    mtype event;
    byte m;
    byte mark;
end:
    do
    :: SEND;
        if
        :: crash()
        :: CONFIRMED
        fi
    od
}

/* ---- the world ---- */

/* Orders are numbered as they come. Where something else happens to order 0, only its customer
 * cancels. */
proctype customer(bit o)
{
#ifdef DUAL_WRITE
    atomic { o == 0 || status[0] != unplaced -> status[o] = placed }
    if
    :: crash()
    :: atomic { order_outbox!!created, o }
    fi;
#else
    atomic { o == 0 || status[0] != unplaced -> place(o) }
#endif
#if defined(REPEATS) || defined(LOSS)
    if
    :: atomic { o == 0 -> cancel(o) }
    :: true
    fi
#else
    if
    :: atomic { cancel(o) }
    :: true
    fi
#endif
}

/* The same event once more, with another id. */
proctype repeater()
{
    if
    :: atomic { status[0] == placed -> order_outbox!!created, REPEATED }
    :: atomic { status[0] == withdrawn -> order_outbox!!cancelled, REPEATED }
    :: true
    fi
}

#define IDLE                                                                                       \
    (empty(order_outbox) && empty(stock_outbox) && empty(created_queue) &&                         \
     empty(cancelled_queue) && empty(taken_queue) && empty(refused_queue))

/* Asks again for an order that is not final although nothing is on its way any more. */
proctype watch()
{
    if
    :: atomic { status[0] == placed && IDLE -> order_outbox!!created, REPEATED }
    :: FINAL(0)
    fi
}

#define QUIET (_nr_pr == 7 && IDLE)

init
{
    atomic {
        run lane(created, created_queue);
        run lane(cancelled, cancelled_queue);
        run lane(taken, taken_queue);
        run lane(refused, refused_queue);
        run relay(order_outbox);
        run relay(stock_outbox);
        run customer(0);
        run customer(1);
#ifdef REPEATS
        run repeater()
#endif
#ifdef LOSS
        run watch()
#endif
    }
    bound = 1;
    atomic {
        QUIET -> assert(KEPT(0) && KEPT(1));
#ifdef REACH
        assert(!(REACH))
#endif
    }
}

ltl final { <> (FINAL(0) && FINAL(1)) }
ltl kept { <> [] (KEPT(0) && KEPT(1)) }
