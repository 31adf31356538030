using System.Runtime.InteropServices;

namespace ProtoServer;

// The regular end: send, FIN, and no reset behind it.
internal sealed partial class EpollConnection
{
    /// <summary>Sends what is queued, then closes. Completes when the descriptor is closed; a peer that never reads makes that never: bound it, and <see cref="Abort(Microsoft.AspNetCore.Connections.ConnectionAbortedException)"/>.</summary>
    public override ValueTask DisposeAsync()
    {
        Loop.VerifyThread();
        if (IsDead)
        {
            // Completing gives the blocks back, if nobody did.
            _reader.Complete();
            return ValueTask.CompletedTask;
        }
        if (_disposing is not null)
        {
            return new ValueTask(_disposing.Task);
        }
        _reader.Complete();
        if (_writer.UnsentBytes == 0 && TryClose())
        {
            return ValueTask.CompletedTask;
        }
        _disposing = new TaskCompletionSource();
        _writer.Complete();
        FinishIfSent();
        return new ValueTask(_disposing.Task);
    }

    /// <summary>Unconsumed input was dropped by completing the reader: the peer is in the middle of something.</summary>
    public void OnInputDropped() => _inputDropped = true;

    /// <summary>The writer's queue is empty and FIN is on its way.</summary>
    public void OnFinSent() => FinishIfSent();

    private void FinishIfSent()
    {
        if (_disposing is not null && !IsDead && !_lingering && _writer.UnsentBytes == 0 && !TryClose())
        {
            Linger();
        }
    }

    // close(2) with unread input sends RST, which may overtake our last bytes at the peer: only a peer that has said all, or says nothing now, is closed at once.
    private bool TryClose()
    {
        if (!_reader.IsAtEnd)
        {
            if ((_inputDropped || HasUnreadInput()) && Options.LingerTimeout > TimeSpan.Zero)
            {
                return false;
            }
            // FIN by itself, not by close(2): what arrives between that look and the close would turn it into RST, and the peer's regular end into an error.
            _ = SocketNative.Shutdown(Descriptor, SocketNative.ShutdownWrite);
        }
        CloseDescriptor();
        _closed?.Cancel(Loop, nameof(ConnectionClosed), this);
        _disposing?.TrySetResult();
        return true;
    }

    private unsafe bool HasUnreadInput()
    {
        byte* block = Shared.ReceiveBlock.Address;
        return SocketNative.Receive(Descriptor, block, 1, SocketNative.Truncate) > 0;
    }

    private void Linger()
    {
        _lingering = true;
        _writer.Complete();
        SetInterest((_interest & ~EpollNative.Out) | EpollNative.In);
        _lingerTimer = Loop.CallLater(Options.LingerTimeout, static connection => connection.EndLinger(), this);
    }

    private unsafe void Discard()
    {
        // MSG_TRUNC makes TCP drop them without a copy. Unix sockets know nothing of that, and do copy: no more than the block holds.
        Block block = Shared.ReceiveBlock;
        nint count = SocketNative.Receive(Descriptor, block.Address, (nuint)block.Size, SocketNative.Truncate);
        if (count > 0 || (count < 0 && Marshal.GetLastSystemError() is Errno.Again or Errno.Interrupted))
        {
            return;
        }
        EndLinger();
    }

    private void EndLinger()
    {
        if (!IsDead)
        {
            CloseDescriptor();
            _closed?.Cancel(Loop, nameof(ConnectionClosed), this);
            _disposing?.TrySetResult();
        }
    }
}
