using System.Buffers;

namespace KeyValue;

/// <summary>Replies that may not leave yet, in order: each waits for a commit, for an answer from elsewhere, or only for those before it.</summary>
/// <remarks>A session has one only while it owes such a reply; otherwise replies go straight to the connection.</remarks>
internal sealed class HeldReplies(int mostBytes) : IBufferWriter<byte>
{
    // Larger buffers are left to the collector: the shared pool would keep them.
    private const int LargestPooled = 1024 * 1024;

    private readonly Queue<Reply> _replies = [];
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(1024);
    private int _start;
    private int _closed;
    private int _end;

    // Gate: 0 is open, a positive number is a batch of the journal, a negative one a deferred answer.
    private record struct Reply(int Length, long Gate);

    private readonly Dictionary<long, byte[]> _answers = [];

    /// <summary>Bytes that wait.</summary>
    public int Length => _end - _start;

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => _replies.Count == 0 && _end == _closed;

    /// <summary>Whether more was written than may be held. The rest is gone, so the connection is of no more use.</summary>
    public bool IsOverfull { get; private set; }

    /// <summary>Ends a reply: what was written since the last call waits for <paramref name="gate"/>.</summary>
    public void Close(long gate)
    {
        if (_end > _closed || gate < 0)
        {
            _replies.Enqueue(new Reply(_end - _closed, gate));
            _closed = _end;
        }
    }

    /// <summary>Hands in the answer that <paramref name="gate"/> waits for.</summary>
    public void Answer(long gate, byte[] reply) => _answers[gate] = reply;

    /// <summary>Moves what may leave to <paramref name="output"/>.</summary>
    /// <param name="committed">Batches up to this one are safe.</param>
    /// <param name="failure">When not empty, the reply for each write that is not safe.</param>
    /// <param name="output">The connection.</param>
    public void Release(long committed, ReadOnlySpan<byte> failure, IBufferWriter<byte> output)
    {
        Close(0);
        int ready = _start;
        while (_replies.TryPeek(out Reply reply))
        {
            if (reply.Gate <= committed && reply.Gate >= 0)
            {
                ready += reply.Length;
            }
            else if (reply.Gate > 0 && !failure.IsEmpty)
            {
                Move(ready, output);
                ready += reply.Length;
                _start = ready;
                output.Write(failure);
            }
            else if (reply.Gate < 0 && _answers.Remove(reply.Gate, out byte[]? answer))
            {
                Move(ready, output);
                ready += reply.Length;
                _start = ready;
                output.Write(answer);
            }
            else
            {
                break;
            }
            _replies.Dequeue();
        }
        Move(ready, output);
    }

    /// <summary>Gives the memory back.</summary>
    public void Drop()
    {
        Return();
        _bytes = [];
        _replies.Clear();
        _start = _closed = _end = 0;
    }

    public void Advance(int count) => _end += IsOverfull ? 0 : count;

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        sizeHint = Math.Max(sizeHint, 256);
        // One command may make a reply of any length, as MGET does, so it is here that it must end.
        IsOverfull |= (long)Length + sizeHint > mostBytes;
        if (IsOverfull)
        {
            return DiscardedOutput.Instance.GetMemory(sizeHint);
        }
        if (_bytes.Length - _end < sizeHint)
        {
            MakeRoom(sizeHint);
        }
        return _bytes.AsMemory(_end);
    }

    private void MakeRoom(int sizeHint)
    {
        byte[] target = _bytes;
        if (Length + sizeHint > _bytes.Length / 2)
        {
            int size = (int)Math.Min(Math.Max(_bytes.Length * 2L, Length + sizeHint), Array.MaxLength);
            target = size <= LargestPooled ? ArrayPool<byte>.Shared.Rent(size) : GC.AllocateUninitializedArray<byte>(size);
        }
        _bytes.AsSpan(_start, Length).CopyTo(target);
        if (target != _bytes)
        {
            Return();
            _bytes = target;
        }
        _end -= _start;
        _closed -= _start;
        _start = 0;
    }

    private void Return()
    {
        if (_bytes.Length is > 0 and <= LargestPooled)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }
    }

    private void Move(int ready, IBufferWriter<byte> output)
    {
        if (ready > _start)
        {
            output.Write(_bytes.AsSpan(_start, ready - _start));
            _start = ready;
        }
    }
}
