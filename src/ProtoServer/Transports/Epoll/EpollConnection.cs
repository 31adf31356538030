using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace ProtoServer;

/// <summary>One socket on a loop's epoll set, as a <see cref="ConnectionContext"/>. Loop thread only; owns the descriptor.</summary>
/// <remarks>
/// Half-close: complete <see cref="Output"/>. Regular end: <see cref="DisposeAsync"/>, which sends what is queued, then FIN, and does not let a reset overtake the last answer.
/// Reset: <see cref="Abort(ConnectionAbortedException)"/>. After <see cref="Lose"/> the descriptor is closed and everything here is harmless.
/// </remarks>
internal sealed partial class EpollConnection : ConnectionContext, IDuplexPipe, IPollHandler,
    IConnectionIdFeature, IConnectionTransportFeature, IConnectionItemsFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature
{
    private static long s_count;

    private readonly EpollReader _reader;
    private readonly EpollWriter _writer;
    private readonly int _slot;
    private readonly PeerAddress _remote;
    private EndPoint? _localEndPoint;
    private EndPoint? _remoteEndPoint;
    private string? _id;
    private IDictionary<object, object?>? _items;
    private FeatureCollection? _features;
    private IDuplexPipe? _transport;
    private CancellationTokenSource? _closed;
    private TaskCompletionSource? _disposing;
    private CallHandle? _lingerTimer;
    private uint _interest = EpollNative.In;
    private bool _suspended; // out of the epoll set, because a hang-up cannot be masked
    private bool _inputDropped;
    private bool _lingering;

    /// <summary>Takes over a connected, non-blocking descriptor and begins to watch it.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">The kernel refused to watch it; the descriptor is still the caller's.</exception>
    public EpollConnection(EpollLoop shared, int descriptor, EpollTransportOptions options, PeerAddress remote, EndPoint? localEndPoint)
    {
        Shared = shared;
        Descriptor = descriptor;
        Options = options;
        _remote = remote;
        _localEndPoint = localEndPoint;
        _reader = new EpollReader(this);
        _writer = new EpollWriter(this);
        _slot = shared.Poller.Register(descriptor, _interest, this);
    }

    public EpollLoop Shared { get; }

    public EventLoop Loop => Shared.Loop;

    public EpollTransportOptions Options { get; }

    public int Descriptor { get; private set; }

    /// <summary>Lost, aborted or closed: the descriptor is gone.</summary>
    public bool IsDead => Descriptor < 0;

    /// <summary>Why it was lost; null while it lives, and after a regular end.</summary>
    public Exception? Error { get; private set; }

    public PipeReader Input => _reader;

    public PipeWriter Output => _writer;

    public override IDuplexPipe Transport
    {
        get => _transport ?? this;
        set => _transport = value;
    }

    public override string ConnectionId
    {
        get => _id ??= $"{Loop.Name}-{Interlocked.Increment(ref s_count)}";
        set => _id = value;
    }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new Dictionary<object, object?>();
        set => _items = value;
    }

    public override IFeatureCollection Features => _features ??= MakeFeatures();

    public override EndPoint? LocalEndPoint
    {
        get
        {
            return _localEndPoint ??= ReadLocalAddress().ToEndPoint();
        }
        set => _localEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => _remoteEndPoint ??= _remote.ToEndPoint();
        set => _remoteEndPoint = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get
        {
            if (_closed is null)
            {
                _closed = new CancellationTokenSource();
                if (IsDead)
                {
                    _closed.Cancel();
                }
            }
            return _closed.Token;
        }
        set => throw new NotSupportedException("The transport owns its lifetime token.");
    }

    /// <inheritdoc/>
    public override string ToString() => $"connection {RemoteEndPoint}";

    public override void Abort(ConnectionAbortedException abortReason)
    {
        Loop.VerifyThread();
        if (!IsDead)
        {
            SetReset();
            Lose(abortReason);
        }
    }

    /// <summary>The connection is over because of <paramref name="error"/>: closes the descriptor now, and tells who waits, in the next iteration.</summary>
    public void Lose(Exception error)
    {
        if (IsDead)
        {
            return;
        }
        CloseDescriptor();
        Error = error;
        Loop.Post(static connection => connection.TellLost(), this);
    }

    private void TellLost()
    {
        _reader.Fail(Error!);
        _writer.EndWaits();
        _closed?.Cancel(Loop, nameof(ConnectionClosed), this);
        _disposing?.TrySetResult();
    }

    private void CloseDescriptor()
    {
        // Still known when the descriptor is gone.
        _localEndPoint ??= ReadLocalAddress().ToEndPoint();
        _lingerTimer?.Cancel();
        Shared.Poller.Release(_slot);
        int descriptor = Descriptor;
        Descriptor = -1;
        _writer.Clear();
        _ = SocketNative.Close(descriptor);
    }

    // close(2) then sends RST and drops what the kernel still holds.
    private unsafe void SetReset()
    {
        var linger = new SocketNative.LingerOption { OnOff = 1, Seconds = 0 };
        _ = SocketNative.SetOption(Descriptor, SocketNative.SolSocket, SocketNative.Linger, &linger, (uint)sizeof(SocketNative.LingerOption));
    }

    private unsafe PeerAddress ReadLocalAddress()
    {
        byte* native = stackalloc byte[PeerAddress.MaxNativeLength];
        uint length = PeerAddress.MaxNativeLength;
        return !IsDead && SocketNative.GetSocketName(Descriptor, native, &length) == 0
            ? PeerAddress.Read(new ReadOnlySpan<byte>(native, (int)Math.Min(length, PeerAddress.MaxNativeLength)))
            : default;
    }

    private FeatureCollection MakeFeatures()
    {
        var features = new FeatureCollection();
        features.Set<IConnectionIdFeature>(this);
        features.Set<IConnectionTransportFeature>(this);
        features.Set<IConnectionItemsFeature>(this);
        features.Set<IConnectionLifetimeFeature>(this);
        features.Set<IConnectionEndPointFeature>(this);
        return features;
    }
}
