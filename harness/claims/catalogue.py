"""The anomalies that checkers find and the claims that state their absence, as data. No logic."""

from __future__ import annotations

from harness.claims.evidence import Anomaly, Claim, Suite


def _anomaly(name: str, checker: str, weakness: str, sentence: str) -> Anomaly:
    return Anomaly(id=name, checker=checker, weakness=weakness, sentence=sentence)


ANOMALIES = {
    anomaly.id: anomaly
    for anomaly in (
        _anomaly("leaked-in-answer", "leak", "CWE-488", "an answer carried another user's canary"),
        _anomaly("leaked-in-event", "leak", "CWE-488", "a pushed event carried another user's canary"),
        _anomaly("misdelivered", "misdelivery", "CWE-488", "an event reached a user who does not own it"),
        _anomaly(
            "wrong-thread",
            "misdelivery",
            "CWE-488",
            "an event came where its thread is not followed",
        ),
        _anomaly("lost-event", "misdelivery", "CWE-362", "an event of a followed run never arrived"),
        _anomaly("doubled-event", "misdelivery", "CWE-362", "an event arrived more than once"),
        _anomaly("reordered-event", "misdelivery", "CWE-362", "an event arrived before an earlier one"),
        _anomaly("tampered", "tampering", "CWE-567", "a user's data is not what that user wrote"),
        _anomaly("lost-write", "tampering", "CWE-362", "an acknowledged write cannot be read back"),
        _anomaly(
            "partial-write",
            "tampering",
            "CWE-459",
            "a request that failed, or was cancelled, left part of its writes",
        ),
        _anomaly(
            "residue",
            "residue",
            "CWE-772",
            "something acquired for a request is still held after it ended",
        ),
        _anomaly(
            "earlier-text",
            "remains",
            "CWE-226",
            "an answer carried a user's own text of an earlier request, where only the newest belongs",
        ),
        _anomaly(
            "unexplained-answer",
            "interference",
            "CWE-567",
            "a user's answer is not one that this user's own actions allow",
        ),
        _anomaly(
            "shared-session",
            "sessions",
            "CWE-567",
            "two requests used one database session",
        ),
        _anomaly(
            "shared-connection",
            "sessions",
            "CWE-567",
            "a request used a database connection while another held it",
        ),
        _anomaly("instance-in-registry", "immutability", "CWE-488", "the registry held what is not a class"),
        _anomaly("mutable-registry", "immutability", "CWE-471", "a frozen registry was changed"),
        _anomaly("mutable-context", "immutability", "CWE-374", "a context changed after it was made"),
        _anomaly("split-read", "agreement", "CWE-362", "two reads of a frozen registry disagreed"),
        _anomaly(
            "aliased-state",
            "aliasing",
            "CWE-488",
            "requests of two users could reach one mutable object",
        ),
        _anomaly("placeholder-accepted", "identity", "CWE-20", "a placeholder or malformed id was accepted"),
        _anomaly("legitimate-refused", "identity", "CWE-20", "a legitimate id was refused"),
        _anomaly("key-collision", "identity", "CWE-694", "different requests were given one key"),
        _anomaly(
            "over-limit",
            "limits",
            "CWE-770",
            "a user had more runs at once than the stated limit",
        ),
        _anomaly(
            "starved",
            "limits",
            "CWE-770",
            "a user was refused while only others were at their limit",
        ),
        _anomaly(
            "unauthenticated",
            "access",
            "CWE-862",
            "an operation succeeded without a valid credential",
        ),
        _anomaly("foreign-object", "access", "CWE-639", "a user reached another's object by its id"),
        _anomaly(
            "existence-revealed",
            "access",
            "CWE-203",
            "the refusal of another's object differs from that of one that does not exist",
        ),
        _anomaly("legacy-broken", "migration", "CWE-439", "a call of the legacy API does not work"),
        _anomaly(
            "legacy-silent",
            "migration",
            "CWE-477",
            "a legacy call does not warn and name its replacement",
        ),
        _anomaly("legacy-shared", "migration", "CWE-488", "the legacy API gave one user's event to another"),
    )
}

_IN_PROCESS = "parts are examined in the process of the harness, on CPython"
_OBSERVED = "what users receive is complete, and taps see every session the target opens"
_LATER = "anything: no checker of this version adjudicates it"
_SAMPLED = "interleavings and inputs other than those that the seed produced"


def _claim(
    name: str,
    component: str,
    anomalies: str,
    sentence: str,
    *,
    assumptions: str = _OBSERVED,
    excludes: str = _SAMPLED,
    suites: tuple[Suite, ...] = (),
    least_users: int = 1,
) -> Claim:
    return Claim(
        id=name,
        component=component,
        anomalies=tuple(anomalies.split()),
        sentence=sentence,
        assumptions=assumptions,
        excludes=excludes,
        suites=suites,
        least_users=least_users,
    )


_REGISTRY, _FACTORY, _CONTEXT = "AgentClassRegistry", "AgentInstanceFactory", "UserExecutionContext"
_EMITTER, _SESSIONS, _SERVICE = "UserWebSocketEmitter", "Database sessions", "Service"
_LEGACY = "Legacy AgentRegistry"

CLAIMS = {
    claim.id: claim
    for claim in (
        _claim(
            "REG-1",
            _REGISTRY,
            "instance-in-registry",
            "the registry holds agent classes only, never an instance or a user's state",
            assumptions=_IN_PROCESS,
        ),
        _claim(
            "REG-2",
            _REGISTRY,
            "mutable-registry",
            "after freeze() nothing in the registry can change, by any reference handed out",
            assumptions=_IN_PROCESS,
            excludes="deliberate use of gc, ctypes or object.__setattr__",
        ),
        _claim(
            "REG-3",
            _REGISTRY,
            "split-read",
            "reads by any number of threads agree, also while freeze races register",
            assumptions=_IN_PROCESS,
        ),
        _claim(
            "FAC-1",
            _FACTORY,
            "aliased-state",
            "each request's objects share no mutable state with any other user's",
            excludes="state inside C extensions, and what the target declares to be shared",
        ),
        _claim(
            "FAC-2",
            _FACTORY,
            "residue",
            "whatever a request acquired is released when it ends, however it ends",
        ),
        _claim(
            "FAC-3",
            _FACTORY,
            "over-limit starved",
            "a user never runs more than its limit, and never uses up another's slots",
            assumptions="concurrency is counted between the first and the last event of a run",
        ),
        _claim(
            "FAC-4",
            _FACTORY,
            "earlier-text",
            "where only a user's newest text belongs, nothing of an earlier request of theirs remains",
            assumptions="the target states which operations show the newest text only",
        ),
        _claim(
            "CTX-1",
            _CONTEXT,
            "mutable-context",
            "a context cannot change once made, nor through anything it holds",
            assumptions=_IN_PROCESS,
            excludes="the database session that a context carries, which is a live object by its nature",
        ),
        _claim(
            "CTX-2",
            _CONTEXT,
            "placeholder-accepted legitimate-refused",
            "placeholder and malformed ids are refused; every legitimate id is accepted",
            assumptions=_IN_PROCESS,
        ),
        _claim(
            "CTX-3",
            _CONTEXT,
            "key-collision",
            "ids of different requests never collide, whatever the user and thread names",
            assumptions=_IN_PROCESS,
        ),
        _claim("EVT-1", _EMITTER, "misdelivered leaked-in-event", "an event reaches its owner's connections only"),
        _claim(
            "EVT-2",
            _EMITTER,
            "lost-event doubled-event reordered-event",
            "each event arrives exactly once and in order per run",
            assumptions="the target promises exactly-once; a repeat is allowed where it promises at-least-once",
        ),
        _claim("EVT-3", _EMITTER, "wrong-thread", "an event arrives only where its thread and run are followed"),
        _claim(
            "SES-1",
            _SESSIONS,
            "shared-session shared-connection",
            "a database session or connection is never used by two requests at once",
        ),
        _claim("SES-2", _SESSIONS, "leaked-in-answer", "no user reads another's rows, committed or not"),
        _claim("SES-3", _SESSIONS, "partial-write", "a failed or cancelled request leaves no partial write"),
        _claim(
            "SES-5",
            _SESSIONS,
            "tampered lost-write",
            "what a user wrote stays as it was written until that user changes it",
        ),
        _claim(
            "SES-4",
            _SESSIONS,
            "",
            "concurrent transactions show no anomaly that the stated isolation level forbids",
            excludes=_LATER,
        ),
        _claim(
            "ERR-1",
            _FACTORY,
            "unexplained-answer",
            "one user's failure, cancellation or disconnect changes nothing that others observe",
            excludes="how long an answer took",
        ),
        _claim(
            "NI-1",
            _FACTORY,
            "",
            "what a user observes does not depend on any other user's secrets",
            excludes=_LATER,
        ),
        _claim(
            "AUT-1",
            _SERVICE,
            "unauthenticated",
            "no operation without a valid token has an effect or returns data",
            assumptions="the target promises which invalid credentials can be tried",
        ),
        _claim(
            "AUT-2",
            _SERVICE,
            "foreign-object existence-revealed",
            "no user reaches another's object by its id, on any route or socket",
            assumptions="a refusal counts only beside the owner's success on the same object",
            excludes="differences in time between refusals",
        ),
        _claim(
            "SCL-1",
            _SERVICE,
            "leaked-in-answer leaked-in-event misdelivered lost-event doubled-event reordered-event",
            "10 and more concurrent users are served with leak and delivery claims intact",
            suites=(Suite.LOAD,),
            least_users=10,
            excludes="any number of users above the one measured, and any bound on latency",
        ),
        _claim(
            "SCL-2",
            _SERVICE,
            "",
            "throughput grows linearly with users until the machine is saturated",
            excludes=_LATER,
        ),
        _claim(
            "SCL-3",
            _SERVICE,
            "",
            "one user's flood leaves the others' latency within the stated bound",
            excludes=_LATER,
        ),
        _claim(
            "SCL-4",
            _SERVICE,
            "",
            "memory, tasks, sessions and sockets return to their level after the load",
            excludes=_LATER,
        ),
        _claim(
            "MIG-1",
            _LEGACY,
            "legacy-broken legacy-silent legacy-shared",
            "the legacy API still works, warns, and is as isolated as the new one",
            assumptions=_IN_PROCESS,
        ),
        _claim(
            "MIG-2",
            _LEGACY,
            "",
            "no code of the target uses the legacy API or keeps user state in globals",
            excludes=_LATER,
        ),
    )
}
