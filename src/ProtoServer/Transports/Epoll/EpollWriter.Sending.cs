using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ProtoServer;

// From the blocks to the kernel.
internal sealed partial class EpollWriter
{
    // One gathered send takes this many blocks; 64 of them are 256 KiB to 4 MiB, more than a socket buffer takes at once.
    private const int MaxVectors = 64;

    public bool TryFlush()
    {
        if (!_blocked)
        {
            Send();
        }
        return UnsentBytes <= _high && !_cancelled && !connection.IsDead;
    }

    void IFlushable.Flush()
    {
        _queued = false;
        if (!_blocked)
        {
            Send();
        }
    }

    /// <summary>Hands the kernel as much as it takes.</summary>
    public unsafe void Send()
    {
        while (UnsentBytes > 0 && !connection.IsDead)
        {
            nint sent;
            nint offered;
            if (_head == _tail)
            {
                offered = _head!.End - _start;
                sent = SocketNative.Send(connection.Descriptor, _head.Address + _start, (nuint)offered, SocketNative.NoSignal);
            }
            else
            {
                sent = SendGathered(out offered);
            }
            int errno = sent < 0 ? Marshal.GetLastSystemError() : 0;
            if (sent > 0)
            {
                Consume(sent);
            }
            if (errno == Errno.Interrupted)
            {
                continue;
            }
            if (errno is not 0 and not Errno.Again)
            {
                connection.Lose(Errno.ToConnectionException(errno));
                return;
            }
            if (sent < offered)
            {
                // Full: the kernel tells us when there is room again.
                SetBlocked(true);
                break;
            }
        }
        if (UnsentBytes == 0 && !connection.IsDead)
        {
            SetBlocked(false);
            if (_completed)
            {
                SendFin();
            }
        }
        if (_waiting && UnsentBytes <= _low)
        {
            Signal();
        }
    }

    [SkipLocalsInit]
    private unsafe nint SendGathered(out nint offered)
    {
        SocketNative.Vector* vectors = stackalloc SocketNative.Vector[MaxVectors];
        int count = Gather(vectors, out offered);
        var message = new SocketNative.MessageHeader { Vectors = vectors, VectorCount = (nuint)count };
        return SocketNative.SendMessage(connection.Descriptor, &message, SocketNative.NoSignal);
    }

    private unsafe int Gather(SocketNative.Vector* vectors, out nint total)
    {
        int count = 0;
        total = 0;
        int start = _start;
        for (Block? block = _head; block is not null && count < MaxVectors; block = block.NextBlock)
        {
            int length = block.End - start;
            // Memory that was handed out, and then exchanged for a larger piece, leaves an empty block behind; a send of nothing but those would go round for ever.
            if (length > 0)
            {
                vectors[count].Base = block.Address + start;
                vectors[count].Length = (nuint)length;
                total += length;
                count++;
            }
            start = 0;
        }
        return count;
    }

    private void Consume(nint sent)
    {
        UnsentBytes -= sent;
        while (true)
        {
            int inHead = _head!.End - _start;
            if (sent < inHead)
            {
                _start += (int)sent;
                return;
            }
            sent -= inHead;
            _start = 0;
            Block done = _head;
            if (done == _tail)
            {
                if (_reserved)
                {
                    // Somebody is about to write into what is left of it.
                    _start = done.End;
                    return;
                }
                _head = _tail = null;
                connection.Shared.Blocks.Return(done);
                return;
            }
            _head = done.NextBlock;
            connection.Shared.Blocks.Return(done);
        }
    }

    private void SetBlocked(bool blocked)
    {
        if (_blocked != blocked)
        {
            _blocked = blocked;
            connection.UpdateInterest();
        }
    }

    private void SendFin()
    {
        if (!_finSent && !connection.IsDead)
        {
            _finSent = true;
            // ENOTCONN: the peer reset meanwhile; the reading side will tell.
            _ = SocketNative.Shutdown(connection.Descriptor, SocketNative.ShutdownWrite);
            connection.OnFinSent();
        }
    }
}
