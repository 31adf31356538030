using Resp;

namespace KeyValue;

/// <content>What may not go on yet: replies that wait for a commit or an answer, and a client that waits for both.</content>
internal sealed partial class Session
{
    // Longer than one turn of the loop takes to bring what the client has sent.
    private static readonly TimeSpan QuietBeforeTheEnd = TimeSpan.FromMilliseconds(50);

    // Who has only just come is about to say something.
    private static readonly TimeSpan FirstWordBeforeTheEnd = TimeSpan.FromMilliseconds(250);

    /// <summary>Says that the reply to the request at hand comes later.</summary>
    public PendingReply Defer(ref RespWriter reply)
    {
        Hold(ref reply);
        long gate = --_deferred;
        _held!.Close(gate);
        return new PendingReply(this, gate);
    }

    /// <summary>Carries out nothing more until the journal has room again.</summary>
    public void AwaitJournal()
    {
        _awaitsJournal = _paused = true;
        Wait();
    }

    internal void Answer(long gate, byte[] reply)
    {
        if (_held is not null)
        {
            _held.Answer(gate, reply);
            Release(default);
        }
    }

    /// <summary>Redirects replies so that the next one can wait; <see cref="Gate"/> says for what.</summary>
    public void Hold(ref RespWriter reply)
    {
        if (_held is null)
        {
            _held = new HeldReplies(_server.MaxOutputBytes);
            Wait();
        }
        reply.Redirect(_held);
        _held.Close(0);
    }

    /// <summary>Makes the reply just written wait for <paramref name="batch"/> of the journal; 0 for none.</summary>
    public void Gate(ref RespWriter reply, long batch)
    {
        reply.Flush();
        _held!.Close(batch);
    }

    /// <summary>Sends what need no longer wait.</summary>
    /// <param name="failure">When not empty, the reply to every write that is not safe.</param>
    /// <returns>Whether something still waits.</returns>
    public bool Release(ReadOnlySpan<byte> failure)
    {
        _activity++;
        if (_awaitsJournal && (!failure.IsEmpty || _server.Journal is not { IsFull: true }))
        {
            _awaitsJournal = false;
            _paused = _writingPaused;
        }
        if (_held is null)
        {
            ReadOn();
            CloseIfDone();
            return _awaitsJournal;
        }
        _held.Release(_server.Journal?.Committed ?? 0, failure, Transport.Output);
        if (!_held.IsEmpty)
        {
            if (_held.Length < MostHeldBytes / 2 && _violation == RespViolation.None)
            {
                ReadOn();
            }
            return true;
        }
        _held.Drop();
        _held = null;
        CloseIfDone();
        ReadOn();
        return _awaitsJournal;
    }

    private void CloseIfDone()
    {
        if (_held is not null)
        {
            return;
        }
        if (_ended)
        {
            Transport.Close();
        }
        else if (_draining && !_looksForQuiet)
        {
            _looksForQuiet = true;
            uint activity = _activity;
            Transport.Loop.CallLater(activity == 0 ? FirstWordBeforeTheEnd : QuietBeforeTheEnd, () => CloseIfQuiet(activity));
        }
    }

    /// <summary>Closes at the server's end, unless the client's requests still come out of the buffers or its replies do not go into them.</summary>
    private void CloseIfQuiet(uint activity)
    {
        _looksForQuiet = false;
        if (_held is not null || _awaitsJournal || _stopped)
        {
            return;
        }
        if (activity != _activity || _writingPaused)
        {
            CloseIfDone();
            return;
        }
        Transport.Close();
    }

    private void ReadOn()
    {
        if (_heldTooMuch && !_awaitsJournal)
        {
            _heldTooMuch = false;
            ResumeReading();
        }
    }

    private void Wait()
    {
        if (!IsWaiting)
        {
            IsWaiting = true;
            _server.Waiting.Add(this);
        }
    }
}
