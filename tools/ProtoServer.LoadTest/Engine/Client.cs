using System.Numerics;
using ProtoServer.LoadTest.Content;
using ProtoServer.LoadTest.Measuring;

namespace ProtoServer.LoadTest.Engine;

/// <summary>One simulated user: its dialogue, its outstanding requests, and the connection that it has at the moment, if any.</summary>
/// <remarks>
/// Loop thread only. Outlives its connections: request numbers go on after a reconnect, so a reply can never be taken for one to an earlier connection's request.
/// Nothing is allocated per message.
/// </remarks>
internal sealed class Client
{
    // Messages that are not answered are sent in turns, so that one client cannot keep the loop.
    private const int UnansweredPerTurn = 64;

    private readonly LoadWorker _worker;
    private readonly Dialogue? _dialogue;
    private readonly PendingRequest[] _pending;
    private readonly uint _mask;
    private readonly int _pipeline;
    private readonly int _requestsPerConnection;
    private uint _head;
    private uint _tail;
    private ClientLink? _link;
    private bool _paused;
    private int _sentHere;
    private TimeSpan _backOff;
    private bool _wasLost;

    // A request that opens its own connection is due before it can be sent.
    private PendingRequest _waiting;
    private bool _hasWaiting;

    public Client(LoadWorker worker, int number, Dialogue? dialogue, int pipeline, int requestsPerConnection)
    {
        _worker = worker;
        Number = number;
        _dialogue = dialogue;
        _pipeline = pipeline;
        _requestsPerConnection = requestsPerConnection;
        _pending = new PendingRequest[BitOperations.RoundUpToPowerOf2((uint)pipeline)];
        _mask = (uint)(_pending.Length - 1);
    }

    /// <summary>The client's number in the run.</summary>
    public int Number { get; }

    public ClientState State { get; private set; }

    /// <summary>Whether the client stands in the worker's line of those that can take a request.</summary>
    public bool IsInLine { get; set; }

    public int InFlight => (int)(_tail - _head) + (_hasWaiting ? 1 : 0);

    /// <summary>Whether a request can be given to it now.</summary>
    public bool CanTake => State switch
    {
        ClientState.Open => !_paused && _tail - _head < (uint)_pipeline && !IsUsedUp,
        ClientState.Closed => _requestsPerConnection > 0 && !_wasLost,
        _ => false,
    };

    private bool IsUsedUp => _requestsPerConnection > 0 && _sentHere >= _requestsPerConnection;

    /// <summary>Opens a connection; what comes of it is told to the worker.</summary>
    public void Connect()
    {
        State = ClientState.Connecting;
        _ = ConnectAsync();
    }

    /// <summary>After a lost connection and a pause: tries again, or is at hand again when its requests open their own connections.</summary>
    public void Retry()
    {
        if (State != ClientState.Closed)
        {
            return;
        }
        if (_requestsPerConnection > 0)
        {
            _wasLost = false;
            _worker.BecameReady(this, Clock.Now);
        }
        else
        {
            Connect();
        }
    }

    /// <summary>Sends the next request, or opens the connection that it will be the first on.</summary>
    /// <param name="intended">When it is due.</param>
    /// <param name="now">The clock.</param>
    public void Send(long intended, long now)
    {
        if (State == ClientState.Closed)
        {
            _waiting = new PendingRequest(intended, now);
            _hasWaiting = true;
            _worker.CountSent(intended, 0);
            Connect();
            return;
        }
        _worker.CountSent(intended, Write(new PendingRequest(intended, now)));
    }

    /// <summary>Takes replies from what was received.</summary>
    /// <returns>Bytes that need not be offered again.</returns>
    public int Receive(ReadOnlySpan<byte> received)
    {
        long now = Clock.Now;
        int position = 0;
        while (position < received.Length)
        {
            Reply reply = _dialogue is null
                ? new Reply(ReplyKind.Stray, received.Length - position, _head)
                : _dialogue.ReadReply(received[position..], _head, _tail);
            if (reply.Kind == ReplyKind.Incomplete)
            {
                break;
            }
            position += reply.Length;
            if (reply.Kind == ReplyKind.Stray)
            {
                _worker.Count(Counter.Stray, now);
                continue;
            }
            while (_head != reply.Sequence)
            {
                _worker.Lose(Take(), now, Counter.LostOvertaken);
            }
            _worker.Answer(Take(), now, reply.Kind);
        }
        _worker.CountReceived(position, now);
        if (position > 0)
        {
            AfterReplies(now);
        }
        return position;
    }

    /// <summary>In a closed loop: sends as much as the pipeline, the peer and the plan allow.</summary>
    public void Fill(long now)
    {
        int turns = _dialogue!.ExpectsReplies ? int.MaxValue : UnansweredPerTurn;
        while (turns-- > 0 && CanTake && _worker.TakeClosedLoopTurn())
        {
            Send(now, now);
        }
        if (turns < 0 && CanTake)
        {
            _worker.ContinueSoon(this);
        }
    }

    /// <summary>Gives up the connection when its oldest request has waited for longer than the timeout.</summary>
    public void CheckTimeout(long now, long timeout)
    {
        if (State == ClientState.Open && _head != _tail && now - _pending[_head & _mask].Sent > timeout)
        {
            // A late reply could be taken for the next request's: the connection is of no use any more.
            _worker.Lose(Take(), now, Counter.LostTimeout);
            Drop(abort: true);
        }
    }

    /// <summary>Ends the run for this client: what is out is lost.</summary>
    public void Finish(long now)
    {
        LoseAll(now, Counter.LostAtEnd);
        ClientLink? link = _link;
        _link = null;
        State = ClientState.Finished;
        link?.Leave(abort: false);
    }

    /// <summary>The connection is up.</summary>
    public void Made(ClientLink link)
    {
        if (State != ClientState.Connecting)
        {
            link.Leave(abort: true);
            return;
        }
        long now = Clock.Now;
        _link = link;
        _paused = false;
        _sentHere = 0;
        State = ClientState.Open;
        _worker.CountConnected(link.ConnectStarted, now, isReconnect: _wasLost);
        _wasLost = false;
        if (_hasWaiting)
        {
            _hasWaiting = false;
            _worker.CountSentBytes(_waiting.Intended, Write(_waiting));
        }
        _worker.BecameReady(this, now);
    }

    public void Pause() => _paused = true;

    public void Resume()
    {
        _paused = false;
        _worker.BecameReady(this, Clock.Now);
    }

    /// <summary>The connection is over, by the peer's doing or by ours.</summary>
    public void Lost(ClientLink link, Exception? exception, bool midReply)
    {
        if (link != _link)
        {
            return;
        }
        long now = Clock.Now;
        bool regular = State == ClientState.Closing;
        _link = null;
        State = ClientState.Closed;
        _worker.CountDisconnected();
        if (regular)
        {
            _worker.BecameReady(this, now);
            return;
        }
        _worker.Count(exception is not null ? Counter.Reset : midReply ? Counter.ShortReply : Counter.UnexpectedClose, now);
        LoseAll(now, Counter.LostWithConnection);
        ReconnectLater();
    }

    private async Task ConnectAsync()
    {
        long started = Clock.Now;
        try
        {
            await _worker.Connector.ConnectAsync(() => new ClientLink(this, started)).ConfigureAwait(true);
            _backOff = TimeSpan.Zero;
        }
        catch (Exception exception)
        {
            if (State != ClientState.Connecting)
            {
                return;
            }
            State = ClientState.Closed;
            long now = Clock.Now;
            _worker.CountConnectFailed(exception, now);
            LoseAll(now, Counter.LostWithConnection);
            ReconnectLater();
        }
    }

    // Waits longer each time: a server that is down is not helped by a storm.
    private void ReconnectLater()
    {
        _wasLost = true;
        _backOff = TimeSpan.FromMilliseconds(Math.Clamp(_backOff.TotalMilliseconds * 2, 10, 1000));
        _worker.ReconnectAfter(_backOff, this);
    }

    private int Write(PendingRequest request)
    {
        _pending[_tail & _mask] = request;
        int bytes = _dialogue!.WriteRequest(_link!.Output, _tail);
        _tail++;
        _sentHere++;
        if (!_dialogue.ExpectsReplies)
        {
            _worker.CountUnanswered(Take());
        }
        return bytes;
    }

    private void AfterReplies(long now)
    {
        if (IsUsedUp && _head == _tail && State == ClientState.Open)
        {
            State = ClientState.Closing;
            _link!.Leave(abort: false);
            return;
        }
        _worker.BecameReady(this, now);
    }

    private void Drop(bool abort)
    {
        ClientLink link = _link!;
        _link = null;
        State = ClientState.Closed;
        _worker.CountDisconnected();
        LoseAll(Clock.Now, Counter.LostWithConnection);
        link.Leave(abort);
        ReconnectLater();
    }

    private void LoseAll(long now, Counter reason)
    {
        if (_hasWaiting)
        {
            _hasWaiting = false;
            _worker.Lose(_waiting, now, reason);
        }
        while (_head != _tail)
        {
            _worker.Lose(Take(), now, reason);
        }
    }

    private PendingRequest Take() => _pending[_head++ & _mask];
}
